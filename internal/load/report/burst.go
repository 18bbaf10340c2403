package report

import (
	"fmt"
	"math"
	"strconv"
)

// burst is how much of the processors the delivery of a tick takes.
type burst struct {
	server, swarm float64 // processor milliseconds
	room          float64 // what the processors could have given between first and last delivery
	spread        float64 // milliseconds from first to last delivery, p50
	every         float64 // milliseconds from tick to tick; 0 if that is not known
}

// possible is how much work, as a part of what the processors could have done between first and last delivery, can be the
// ticks': some is done before and after. Where a message costs more than that, most of its price is what the programs do
// besides, as in a run with few messages, and nothing is known of its bursts.
const possible = 1.5

// burstOf reports false where ticks are not known, or who worked for them, or what of that work was for them: the ticks of
// several topics overlap.
func burstOf(r *Report) (burst, bool) {
	if r.Ticks.Count == 0 || r.Plan.Topics > 1 || r.Server == nil || r.Ticks.Spread.P50 == 0 {
		return burst{}, false
	}
	messages := float64(r.Ticks.Deliveries) / 1000 // µs to ms
	b := burst{
		server: r.Server.CPU * messages, swarm: r.Swarm.CPU * messages, room: r.Ticks.Spread.P50 * float64(max(r.Environment.CPUs, 1)),
		spread: r.Ticks.Spread.P50, every: r.tickEvery(),
	}
	return b, b.server+b.swarm <= possible*b.room
}

// tickEvery returns the milliseconds from tick to tick: those between the intended times of the ticks that are kept, or else the hold by its ticks.
func (r *Report) tickEvery() float64 {
	if n := len(r.TickRows); n > 1 {
		first, last := math.Inf(1), math.Inf(-1)
		for _, t := range r.TickRows {
			first, last = min(first, t.At), max(last, t.At)
		}
		if last > first {
			return 1000 * (last - first) / float64(n-1)
		}
	}
	return per(1000*r.Phases.Hold, float64(r.Ticks.Count))
}

// share is how busy the processors are while a tick is delivered.
func (b burst) share() float64 { return min((b.server+b.swarm)/b.room, 1) }

// part is the part of the time that ticks are being delivered in.
func (b burst) part() float64 {
	if b.every <= 0 {
		return 1
	}
	return min(b.spread/b.every, 1)
}

// brief says it in a clause of the headline.
func (b burst) brief() string {
	every := Duration(b.every)
	if b.every >= 1000 {
		every = strconv.FormatFloat(b.every/1000, 'g', 3, 64) + " s"
	}
	return fmt.Sprintf("a tick's burst took %s of every %s", Duration(b.spread), every)
}

// headroom says what the pauses between bursts are room for.
func (b burst) headroom(r *Report) string {
	times := 1 / b.part()
	return fmt.Sprintf("the processors were %.0f %% busy over the whole hold and %.0f %% in a tick's burst of %s (p50: server %s, swarm %s of processor time); "+
		"that leaves room for at most %.1f ticks a second, or %s connections at this pace",
		100*(1-r.Split.Idle), 100*b.share(), Duration(b.spread), Duration(b.server), Duration(b.swarm), 1000/b.spread, rounded(times*float64(r.Connections.Connected)))
}

// rounded writes a number of connections with two significant digits: the third would be made up.
func rounded(n float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(max(n, 10)))-1)
	return Comma(math.Floor(n/unit) * unit)
}

func (b burst) text() string {
	return fmt.Sprintf("to deliver a tick takes %s (p50), in which the processors are %.0f %% busy: server %s, swarm %s of processor time",
		Duration(b.spread), 100*b.share(), Duration(b.server), Duration(b.swarm))
}
