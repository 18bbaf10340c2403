package load

import "time"

// Tick is one message as all clients together have seen it.
type Tick struct {
	Topic    uint32 `json:",omitempty"` // index into the swarm's topics
	Seq      uint64
	Intended int64 // Unix nanoseconds, 0 if the message does not say
	First    int64 // Unix nanoseconds of the first delivery
	Last     int64 // Unix nanoseconds of the last delivery
	Lag      int64 // nanoseconds for which one of the last deliveries had been readable by then; resolution 1 to 10 ms
	Count    int64 // deliveries
}

// sameRun is how far apart the times of messages may be for their numbers to be compared. Two seconds allow for servers
// that stamp every copy; a feed that begins anew, and counts from one again, takes longer to get to the same number.
const sameRun = int64(2 * time.Second)

// Newer reports whether t is a later message than o: the higher number, unless the topics differ, or the times show that
// the feed has begun anew in between; then the later one.
func (t Tick) Newer(o Tick) bool {
	if t.comparable(o) {
		return t.Seq > o.Seq
	}
	if t.Intended == 0 || o.Intended == 0 {
		return t.First > o.First
	}
	return t.Intended > o.Intended
}

// due returns when the message was due. One that does not say counts as due a second before its first delivery.
func (t Tick) due() int64 {
	if t.Intended == 0 {
		return t.First - int64(time.Second)
	}
	return t.Intended
}

// Same reports whether t and o are the same message.
func (t Tick) Same(o Tick) bool { return t.Seq == o.Seq && t.comparable(o) }

func (t Tick) comparable(o Tick) bool {
	apart := t.Intended - o.Intended
	return t.Topic == o.Topic && (t.Intended == 0 || o.Intended == 0 || -sameRun < apart && apart < sameRun)
}

// Add returns t with what others have seen of the same message.
func (t Tick) Add(o Tick) Tick {
	switch {
	case o.Count == 0:
		return t
	case t.Count == 0:
		return o
	}
	if o.Last > t.Last {
		t.Lag = o.Lag
	}
	t.First, t.Last, t.Count = min(t.First, o.First), max(t.Last, o.Last), t.Count+o.Count
	return t
}

// tickRing holds the newest ticks of one loop. Those of several topics that count in step are side by side. Event loop
// only.
type tickRing struct {
	slots  []Tick
	topics uint64
}

const (
	// tickSlots is how many ticks a loop follows at once: ten seconds of a feed every 10 ms. With several topics it
	// follows four of each, up to maxTickSlots, which take 4 MiB.
	tickSlots    = 1024
	maxTickSlots = 1 << 16
	// ShownTopics is how many topics' ticks are part of Stats, evenly spread over all: those of each are as good as
	// those of the others.
	ShownTopics = 256
	// tickAge is when a slot may be reused by a lower number, which only a feed without times that began anew sends.
	tickAge = int64(20 * time.Second)
)

// giveWay makes room for t in the tick's slot, unless t is older.
func (slot *Tick) giveWay(t Tick) {
	if slot.Count == 0 || t.Newer(*slot) || t.Last-slot.Last > tickAge {
		*slot = t
	}
}

func newTickRing(topics int) tickRing {
	slots := tickSlots
	if topics > 1 {
		slots = ceilPowerOfTwo(min(max(4*tickSlots, 4*topics), maxTickSlots))
	}
	return tickRing{slots: make([]Tick, slots), topics: uint64(topics)}
}

// at returns the topic's tick with that number, or another one that has its place.
func (r *tickRing) at(topic uint32, seq uint64) *Tick {
	return &r.slots[(seq*r.topics+uint64(topic))&uint64(len(r.slots)-1)]
}

// record adds a delivery, which had been readable for lag nanoseconds or is unasked.
func (r *tickRing) record(m *sighting, lag int64) {
	slot := r.at(m.topic, m.seq)
	if slot.Seq != m.seq || slot.Topic != m.topic || slot.Intended != m.due || slot.Count == 0 {
		t := Tick{Topic: m.topic, Seq: m.seq, Intended: m.due, First: m.now}
		if slot.Count == 0 || !t.Same(*slot) {
			t.Last, t.Lag, t.Count = m.now, max(lag, 0), 1
			slot.giveWay(t)
			return
		}
	}
	slot.Last = m.now
	slot.Count++
	if lag != unasked {
		slot.Lag = lag
	}
}

// since returns copies of the ticks with a delivery after a moment in Unix nanoseconds, of ShownTopics topics.
func (r *tickRing) since(moment int64) []Tick {
	var ticks []Tick
	stride := max(1, uint32((r.topics+ShownTopics-1)/ShownTopics))
	for i := range r.slots {
		if t := &r.slots[i]; t.Count > 0 && t.Last > moment && t.Topic%stride == 0 {
			ticks = append(ticks, *t)
		}
	}
	return ticks
}
