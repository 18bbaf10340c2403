package blame

// Page is the gateway's answer to GET /debug/ticks. All times are Unix nanoseconds by its clock, all durations nanoseconds;
// 0 is unknown. The types repeat what the gateway's ticklog package writes: the swarm shares no code with the gateway.
type Page struct {
	Processes []Process `json:"processes"`
}

// Process is what one process of the gateway has recorded. Worker is "0", "1", … or "supervisor".
type Process struct {
	Worker      string       `json:"worker"`
	Error       string       `json:"error"` // why it did not answer
	Now         int64        `json:"now"`
	Messages    []Message    `json:"messages"`
	Collections []Collection `json:"collections"`
	Loops       []Spent      `json:"loops"` // since the start of the process
}

// Message is the way of one message through a process. The process of the feed knows when it was offered and acknowledged,
// those of the clients the rest; one process may be both.
type Message struct {
	Seq       uint64 `json:"seq"` // in the stream
	Topic     string `json:"topic"`
	Due       int64  `json:"due"` // as the payload says, or the feed
	Offered   int64  `json:"offered"`
	Acked     int64  `json:"acked"`
	Stored    int64  `json:"stored"` // by the stream's account
	Received  int64  `json:"received"`
	Announced int64  `json:"announced"` // all loops have been told
	Passes    []Pass `json:"passes"`
}

// Pass is one event loop's walk through the subscribers.
type Pass struct {
	Loop      int    `json:"loop"`
	Began     int64  `json:"began"`
	Ended     int64  `json:"ended"` // 0 while it lasts
	Overtaken bool   `json:"overtaken"`
	Sends     uint64 `json:"sends"`
	Blocked   uint64 `json:"blocked"`
	Wait      Spent  `json:"wait"` // between the announcement and the beginning
	Busy      Spent  `json:"busy"` // between the beginning and the end
	CPU       int64  `json:"cpu"`  // of the loop's thread between the beginning and the end
}

// Spent is what a loop spent its time on.
type Spent struct {
	Accepts int64 `json:"accepts"`
	Reads   int64 `json:"reads"`
	Timers  int64 `json:"timers"`
	Work    int64 `json:"work"`
}

// Collection is one cycle of the garbage collector.
type Collection struct {
	Ended  int64 `json:"ended"`
	Pause  int64 `json:"pause"`  // both stops of the world together
	Assist int64 `json:"assist"` // processor time
	Mark   int64 `json:"mark"`   // about how long it was marking
}
