package metrics

import "time"

// Snapshot is what one process has counted since its start and holds now. The owner of the numbers
// fills it at scrape time; fields that a process has no numbers for stay zero, nil parts are left
// out of the page.
type Snapshot struct {
	Capacity int // gauge: connections that the whole gateway takes; told by one of its processes, 0 in the others

	Clients *Clients // a process that serves clients
	Fanout  *Fanout  // likewise
	Loops   []Loop   // its event loops, in order
	Feed    *Feed    // the process that runs the feed
	Bus     *Bus     // a process with a connection to the bus
	Tokens  *Tokens  // a process that verifies tokens
	Workers []Worker // the supervisor's workers
}

// Count is a counter's value under one value of its label.
type Count struct {
	Label string
	N     uint64
}

// Clients counts connections by what became of them.
type Clients struct {
	Connections  []Connections // gauge
	Accepts      uint64        // taken off the accept queue, those refused included
	AcceptPauses []Count       // times a listener rested, by reason
	Refusals     []Count       // turned away before the handshake was complete, by reason
	BadForwarded uint64        // of trusted proxies that did not say for whom
	Uncounted    uint64        // for which the table of addresses had no room
	Handshakes   []Count       // completed, by transport
	Closes       []Count       // ended, in whatever phase, by reason
	// Of the subprotocol tickgate.v1.
	Commands      []Count // that could be read, by their name
	CommandErrors []Count // answered with an error, by code
}

// Connections is a number of connections that share a transport and a state.
type Connections struct {
	Transport string // ws, envelope, sse, echo; none before the request head is complete
	State     string // handshake, open, closing
	N         int
}

// Fanout counts what happened to messages between the hub and the sockets, summed over the loops.
type Fanout struct {
	Subscriptions int       // gauge
	Behind        int       // gauge: of these, waiting to catch up
	Topics        int       // gauge
	TopicBytes    int64     // gauge: memory of all topics
	Messages      uint64    // taken from the bus into a topic's log
	Deliveries    uint64    // message and subscriber
	Skipped       []Count   // messages that subscribers never got because they fell behind, by policy
	Paced         uint64    // messages that subscribers never got because they asked for fewer
	Conflated     []Count   // both of these, by the rule that selects the topic
	Evicted       uint64    // messages dropped because all topics together took too much memory
	Overruns      uint64    // subscriptions ended because the log had overwritten what they need
	Overtaken     uint64    // passes that took over a newer message while under way
	Duration      Histogram // from a message's arrival to the end of the pass that carried it, once per loop
	// Lag of the slowest subscriber, gauges.
	LagMessages uint64
	Lag         time.Duration
}

// Loop is one event loop.
type Loop struct {
	// Stuck says that the loop did not answer in time; its numbers are then those of its last answer,
	// since a counter that falls looks like a restart.
	Stuck        bool
	Busy         time.Duration // processor time of its thread
	BytesIn      uint64
	BytesOut     uint64
	PartialSends uint64 // the kernel took a part
	BlockedSends uint64 // the kernel took nothing
	Connections  int    // gauge
	BlockedConns int    // gauge: of these, with a full socket
	UnsentBytes  int    // gauge: remembered for them
}

// Feed counts ticks.
type Feed struct {
	Ticks   uint64 // published
	Late    uint64 // of these, published more than half an interval after their intended time
	Skipped uint64 // never published because the next one was due already
}

// Bus counts what goes into and comes out of the stream.
type Bus struct {
	Up        bool    // connected and ready
	Publishes uint64  // acknowledged by the stream
	Errors    []Count // not acknowledged, by reason
	Received  uint64  // messages that arrived from the stream
}

// Tokens counts what became of the tokens that clients and publishers brought.
type Tokens struct {
	Accepted  uint64  // those known already included
	Refused   []Count // by reason
	Pending   int     // gauge: requests that wait for a verification
	Cached    int     // gauge: tokens held as valid
	Refreshes []Count // times keys were read or fetched again, by outcome
}

// Worker is a worker process as its supervisor sees it.
type Worker struct {
	Name     string
	Restarts uint64
}

// Histogram is a snapshot of durations. Counts[i] is the number of those of at most Bounds[i] and
// more than Bounds[i-1], not cumulative; the last count, one more than bounds, is of those above all.
type Histogram struct {
	Bounds []time.Duration
	Counts []uint64
	Sum    time.Duration
}

// Add adds the counts of o, which must have the same bounds unless h is still empty.
func (h *Histogram) Add(o Histogram) {
	if h.Counts == nil {
		h.Bounds, h.Counts = o.Bounds, make([]uint64, len(o.Counts))
	}
	for i, n := range o.Counts {
		h.Counts[i] += n
	}
	h.Sum += o.Sum
}
