package report

import (
	"fmt"
	"time"

	"tickgate/internal/load"
)

// Away is what became of clients that left together, stayed away and came back, and how the others fared meanwhile.
type Away struct {
	Clients  int     `json:"clients"` // that left
	For      float64 `json:"for_s"`   // as planned
	Returned int64   `json:"returned"`
	Resumed  int64   `json:"resumed"` // connects that named a last id

	// Messages that came to them from their return on. Replayed are those due before it.
	Received   int64 `json:"received"`
	Replayed   int64 `json:"replayed"`
	Lost       int64 `json:"lost"` // missing between what they had got and what they got then, or at the end
	Duplicates int64 `json:"duplicates"`
	Reordered  int64 `json:"reordered"`
	Missed     int64 `json:"missed_while_away"` // under the policy latest
	Gaps       int64 `json:"gaps_told"`

	// CaughtUp is the time from a client's handshake to the last message that was due before it.
	CaughtUp Quantiles `json:"caught_up"`

	// Latencies of the others, while holding: until the first client left, until the first came back, until all had come
	// back and nothing more was replayed, and from then on. The cuts are made when the swarm is looked at, once a second
	// in a hold of 5 s and more.
	Before    Quantiles `json:"others_before"`
	Meanwhile Quantiles `json:"others_while_away"`
	Return    Quantiles `json:"others_during_return"`
	After     Quantiles `json:"others_after"`
	// LeftAt, BackAt and CaughtUpAt are these cuts in the seconds of the series; 0: never reached.
	LeftAt     float64 `json:"left_at_s"`
	BackAt     float64 `json:"back_at_s"`
	CaughtUpAt float64 `json:"caught_up_at_s"`
}

// AwayBook cuts the latencies of clients that stay where others leave, come back and have caught up. The zero value is
// ready. Not safe for concurrent use.
type AwayBook struct {
	left, back, caughtUp awayCut
	last                 *load.Stats
}

// awayCut is what had been counted at a moment.
type awayCut struct {
	at     time.Time
	stayed load.Dist
}

// Update takes newer Stats.
func (b *AwayBook) Update(s *load.Stats) {
	last := b.last
	if b.last = s; last == nil {
		return
	}
	cut := awayCut{last.At, last.Stayed}
	if b.left.at.IsZero() && s.Left > 0 {
		b.left = cut
	}
	if b.back.at.IsZero() && s.Returned.Dialed > 0 {
		b.back = cut
	}
	if b.caughtUp.at.IsZero() && b.allBack(s) && s.Returned.Replayed == last.Returned.Replayed {
		b.caughtUp = awayCut{s.At, s.Stayed}
	}
}

// allBack reports whether everybody who has left has come back.
func (b *AwayBook) allBack(s *load.Stats) bool {
	return !b.back.at.IsZero() && s.Returned.Opened >= int64(s.Left)
}

// away returns the account of clients that were away, or nil if there are none.
func (run *Run) away() *Away {
	if run.Plan.AwayClients == 0 {
		return nil
	}
	b, sum, end := &run.Away, run.Final.Returned, run.Final.Stayed
	a := &Away{
		Clients: run.Final.Left, For: run.Plan.Away, Returned: sum.Opened, Resumed: sum.Resumed,
		Received: sum.Messages, Replayed: sum.Replayed, Lost: sum.Lost, Duplicates: sum.Duplicates, Reordered: sum.Reordered,
		Missed: sum.Missed, Gaps: sum.Gaps, CaughtUp: quantiles(run.Final.CaughtUp),
		LeftAt: run.cutAt(b.left), BackAt: run.cutAt(b.back), CaughtUpAt: run.cutAt(b.caughtUp),
	}
	from := load.Dist{}
	for _, part := range []struct {
		cut awayCut
		to  *Quantiles
	}{{b.left, &a.Before}, {b.back, &a.Meanwhile}, {b.caughtUp, &a.Return}, {awayCut{run.Final.At, end}, &a.After}} {
		if part.cut.at.IsZero() { // what comes then never came: the rest belongs to this part
			*part.to = quantiles(end.Since(from))
			break
		}
		*part.to = quantiles(part.cut.stayed.Since(from))
		from = part.cut.stayed
	}
	return a
}

func (run *Run) cutAt(c awayCut) float64 {
	if c.at.IsZero() {
		return 0
	}
	return run.second(c.at)
}

// awayConcern says what is wrong with an absence.
func awayConcern(r *Report) concern {
	a := r.Away
	switch {
	case a == nil:
		return concern{}
	case a.Clients < r.Plan.AwayClients:
		return concern{Bad, true, fmt.Sprintf("only %s of %s clients left for their absence", Comma(a.Clients), Comma(r.Plan.AwayClients))}
	case a.Returned < int64(a.Clients):
		return concern{Bad, true, fmt.Sprintf("only %s of %s clients came back from their absence", Comma(a.Returned), Comma(a.Clients))}
	case a.Resumed < a.Returned:
		return concern{Mixed, true, Comma(a.Returned-a.Resumed) + " clients came back without an id to resume with"}
	}
	return concern{}
}

// away writes the account of clients that were away.
func (t *table) away(a *Away) {
	if a == nil {
		return
	}
	t.head("clients that were away")
	t.row("away", "%s for %s s; %s came back, %s with their last id", Comma(a.Clients), Comma(a.For), Comma(a.Returned), Comma(a.Resumed))
	t.row("replayed", "%s messages of %s received since; lost %s, duplicates %s, reordered %s, gaps told %s", Comma(a.Replayed), Comma(a.Received),
		Comma(a.Lost), Comma(a.Duplicates), Comma(a.Reordered), Comma(a.Gaps))
	t.some("missed while away", a.Missed)
	t.quantiles("caught up after", a.CaughtUp)
	t.quantiles("others, before", a.Before)
	t.quantiles("others, while away", a.Meanwhile)
	t.quantiles("others, during return", a.Return)
	t.quantiles("others, after", a.After)
}
