package blame

import (
	"cmp"
	"slices"
)

// Tick is a message as the swarm's clients have seen it. Times are Unix nanoseconds.
type Tick struct {
	Seq      uint64 // the feed's own number
	Intended int64
	Last     int64 // last delivery: when the swarm read it
	Lag      int64 // how long it had been readable by then, nanoseconds
}

// Run is what there is to judge.
type Run struct {
	Ticks []Tick
	Book  *Book // nil if the gateway was not asked
	// Objective is the delay in milliseconds above which a tick is slow; 0 finds one, see Report.Given.
	Objective float64
	// Local says that gateway and swarm share one clock. Otherwise only the gateway's own account and the swarm's lag are
	// believed, and a tick's delay is the sum of these.
	Local bool
}

const (
	// maxVerdicts bounds the slow ticks listed one by one.
	maxVerdicts = 100
	// leastUsual is how many ticks make a median worth comparing with.
	leastUsual = 5
	// slack is how many milliseconds a tick may exceed the median at least before it counts as slow, without an objective.
	slack = 50
)

// Judge finds the slow ticks and who is to blame for each. It returns nil if no tick is known to both sides.
func Judge(run *Run) *Report {
	if run.Book == nil {
		return nil
	}
	r := &Report{Objective: run.Objective, Given: run.Objective > 0, Gateway: run.Book.points, Notes: run.Book.notes()}
	if !run.Local {
		r.Notes = append(r.Notes, "the gateway runs on another machine: its clock is not compared with the swarm's, and the kernel's part is unknown")
	}
	var judged []Verdict
	x := run.Book.index()
	for _, t := range run.Ticks {
		if v, ok := run.verdict(x, t); ok {
			judged = append(judged, v)
		} else {
			r.Unknown++
		}
	}
	if r.Judged = len(judged); r.Judged == 0 {
		return nil
	}
	if !r.Given {
		m := median(judged, func(v *Verdict) float64 { return v.Late })
		r.Objective = m + max(m/2, slack)
	}
	r.convict(judged)
	return r
}

// convict finds the cause of each tick that is slow.
func (r *Report) convict(judged []Verdict) {
	var slow, fine []Verdict
	for _, v := range judged {
		if v.Late > r.Objective {
			slow = append(slow, v)
		} else {
			fine = append(fine, v)
		}
	}
	r.Slow, r.Usual = len(slow), usual(fine)
	r.Causes = make(map[Cause]int)
	for i := range slow {
		slow[i].blame(r.Usual)
		r.Causes[slow[i].Cause]++
	}
	slices.SortStableFunc(slow, func(a, b Verdict) int { return cmp.Compare(b.Late, a.Late) })
	r.Ticks = slow[:min(len(slow), maxVerdicts)]
}

// usual returns the median of each part.
func usual(fine []Verdict) Parts {
	parts := make(Parts)
	if len(fine) < leastUsual {
		return parts
	}
	for _, c := range Causes {
		if m := median(fine, func(v *Verdict) float64 { return v.Parts[c] }); m > 0 {
			parts[c] = m
		}
	}
	return parts
}

// median returns the lower median; the list is not empty.
func median(list []Verdict, value func(*Verdict) float64) float64 {
	values := make([]float64, len(list))
	for i := range list {
		values[i] = value(&list[i])
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// blame picks the part that exceeds its usual length by the most; of equals the one that comes first on the way.
func (v *Verdict) blame(usual Parts) {
	v.Cause, v.Excess = Unexplained, 0
	for _, c := range Causes {
		if excess := v.Parts[c] - usual[c]; excess > v.Excess {
			v.Cause, v.Excess = c, excess
		}
	}
}
