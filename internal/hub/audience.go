package hub

import (
	"sync/atomic"
	"time"
)

// audience is one loop's subscribers of one topic, and the pass through them that is under way.
type audience struct {
	fanout *Fanout
	topic  *Topic
	index  uint32 // in Fanout.audiences

	// owned by the event loop
	list  []SubID // its subscriptions; a removal during a pass leaves a hole, see hole
	holes int32   // the first hole, noHole if there is none
	live  int     // entries that are not holes

	active    bool      // a pass is under way
	closed    bool      // the last subscriber has left; a new one makes a new audience
	at        int32     // the entry the pass looks at next
	remaining int32     // entries the pass has still to look at
	carries   uint64    // head that the pass brings to everybody
	seq       uint64    // that message's sequence, 0 if it has been overwritten
	before    uint64    // in a view: the position before that head
	began     time.Time // when the hub received that head
	worst     uint64    // largest lag met by the pass
	worstID   SubID     // and whose it is
	slowest   SubID     // the worst of the last complete pass

	// shared with the publisher and the scraper
	dirty atomic.Bool   // it is in the fan-out's news list
	lag   atomic.Uint64 // messages that the slowest subscriber is behind
	next  *audience     // in the news list; written before it is pushed, read after it is taken
}

// noHole ends the chain of holes.
const noHole = -1

// hole is the entry of a list that has none: it is negative and names the next hole.
func hole(next int32) SubID     { return SubID(-next - 2) }
func nextHole(hole SubID) int32 { return int32(-hole - 2) }

// News implements Reader: it puts the audience on its fan-out's list, once until the loop takes it off.
func (a *audience) News(*Topic) {
	if a.dirty.CompareAndSwap(false, true) {
		a.fanout.push(a)
	}
}

// Lag implements lagger.
func (a *audience) Lag() uint64 { return a.lag.Load() }

// add makes id part of the audience and returns its place.
func (a *audience) add(id SubID) int32 {
	a.live++
	if place := a.holes; place != noHole {
		a.holes = nextHole(a.list[place])
		a.list[place] = id
		return place
	}
	a.list = append(a.list, id)
	if a.active {
		a.remaining++ // the walk is circular: the entries behind the new one are one further away
	}
	return int32(len(a.list) - 1)
}

// remove takes the entry at place out. During a pass it leaves a hole, so that no entry changes its place
// and is missed or met twice.
func (a *audience) remove(place int32) {
	a.live--
	a.list[place] = hole(a.holes)
	a.holes = place
	if !a.active {
		a.compact()
	}
}

// compact fills the holes with entries from the end. It takes time in proportion to the holes.
func (a *audience) compact() {
	all, n := a.list, len(a.list)
	for place := a.holes; place != noHole; {
		next := nextHole(all[place])
		for n > 0 && all[n-1] < 0 {
			n--
		}
		if int(place) < n {
			n--
			all[place] = all[n]
			a.fanout.subs.at(all[n]).place = place
		}
		place = next
	}
	a.list, a.holes = all[:n], noHole
	if cap(all) > 4*n+shrinkFrom {
		a.list = append(make([]SubID, 0, n+n/4), a.list...)
	}
}

// shrinkFrom is the capacity, 4 KiB, below which a list is not worth shrinking.
const shrinkFrom = 1024
