package load

import "time"

// Tick is one message as all clients together have seen it.
type Tick struct {
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

// Newer reports whether t is a later message than o: the higher number, unless the times show that the feed has begun
// anew in between.
func (t Tick) Newer(o Tick) bool {
	if t.comparable(o) {
		return t.Seq > o.Seq
	}
	return t.Intended > o.Intended
}

// Same reports whether t and o are the same message.
func (t Tick) Same(o Tick) bool { return t.Seq == o.Seq && t.comparable(o) }

func (t Tick) comparable(o Tick) bool {
	apart := t.Intended - o.Intended
	return t.Intended == 0 || o.Intended == 0 || -sameRun < apart && apart < sameRun
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

// tickRing holds the newest ticks of one loop. Event loop only.
type tickRing struct {
	slots [tickSlots]Tick
}

const (
	// tickSlots is how many ticks a loop follows at once: ten seconds of a feed every 10 ms.
	tickSlots = 1024
	// tickAge is when a slot may be reused by a lower number, which only a feed without times that began anew sends.
	tickAge = int64(20 * time.Second)
)

// record adds a delivery, which had been readable for lag nanoseconds or is unasked.
// at returns the tick with that number, or another one that has its place.
func (r *tickRing) at(seq uint64) *Tick { return &r.slots[seq%tickSlots] }

func (r *tickRing) record(seq uint64, intended, now, lag int64) {
	slot := r.at(seq)
	t := Tick{Seq: seq, Intended: intended, First: now, Last: now, Lag: max(lag, 0), Count: 1}
	switch {
	case slot.Count > 0 && t.Same(*slot):
		slot.Last = now
		slot.Count++
		if lag != unasked {
			slot.Lag = lag
		}
	case slot.Count == 0, t.Newer(*slot), now-slot.Last > tickAge:
		*slot = t
	}
}

// since returns copies of the ticks with a delivery after a moment in Unix nanoseconds.
func (r *tickRing) since(moment int64) []Tick {
	var ticks []Tick
	for i := range r.slots {
		if r.slots[i].Count > 0 && r.slots[i].Last > moment {
			ticks = append(ticks, r.slots[i])
		}
	}
	return ticks
}
