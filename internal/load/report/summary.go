package report

import (
	"fmt"
	"strings"
)

// Summary is a run in a sentence, for somebody who has ten seconds.
type Summary struct {
	Status   Status `json:"status"`
	Headline string `json:"headline"` // clauses with semicolons between them
	// Reasons say why the status is not Good.
	Reasons []string `json:"reasons,omitempty"`
	// Limit is what the run was limited by, as a clause of the headline, and Because the numbers that say so.
	Limit   string `json:"limit"`
	Because string `json:"because,omitempty"`
}

// Status is whether a run went as it was meant to.
type Status string

// The kinds of runs. A condition that is not met, a client that did not get or keep its connection, and a message that is lost, doubled or out of
// order make a run bad. What was not asked for but must be known, such as skipped messages or a swarm that was itself the limit, makes it mixed.
const (
	Good  Status = "good"
	Mixed Status = "mixed"
	Bad   Status = "bad"
)

// summarise makes the summary of a report that is otherwise complete.
func summarise(r *Report) Summary {
	var s Summary
	s.Status, s.Reasons = statusOf(r)
	s.Limit, s.Because = limit(r)
	clauses := []string{held(r), fate(r)}
	if r.Latency.Count > 0 {
		clauses = append(clauses, "p99 "+Duration(r.Latency.P99))
	}
	if unmet := unmet(r.Asserts); unmet != "" {
		clauses = append(clauses, "not met: "+unmet)
	}
	if s.Limit != "" {
		clauses = append(clauses, s.Limit)
	}
	s.Headline = strings.Join(clauses, "; ")
	return s
}

// statusOf returns the status, and why it is not Good.
func statusOf(r *Report) (status Status, reasons []string) {
	status = Good
	for _, c := range concerns(r) {
		if !c.applies {
			continue
		}
		reasons = append(reasons, c.text)
		if c.status == Bad || status == Good {
			status = c.status
		}
	}
	return status, reasons
}

// concern is something that makes a run less than good.
type concern struct {
	status  Status
	applies bool
	text    string
}

func concerns(r *Report) []concern {
	c, m := &r.Connections, &r.Messages
	unmet, faults := unmet(r.Asserts), m.Lost+m.Duplicates+m.Reordered
	return []concern{
		{Bad, unmet != "", "not met: " + unmet},
		{Bad, c.AfterRamp < r.Plan.Planned, Comma(r.Plan.Planned-c.AfterRamp) + " clients did not get connected"},
		{Bad, c.Disconnects > 0, Comma(c.Disconnects) + " connections were broken off"},
		{Bad, c.GaveUp > 0, Comma(c.GaveUp) + " clients gave up"},
		{Bad, c.AfterRamp > 0 && c.Connected == 0, "nobody was connected at the end"},
		{Bad, faults > 0, Comma(faults) + " messages were lost, doubled or out of order"},
		{Bad, m.Received == 0, "no message came"},
		{Bad, m.Strays > 0, Comma(m.Strays) + " messages came to clients that had not asked for their topic"},
		{Mixed, m.Backward > 0, Comma(m.Backward) + " ids were not above the one before on their connection: who resumes there misses messages or gets some again"},
		{Mixed, m.Conflated+m.Missed+m.Gaps > 0, Comma(m.Conflated+m.Missed) + " messages were skipped for newer ones or missed while away"},
		{Mixed, m.Received > 0 && m.Untracked == m.Received, "loss is unknown: no message has a sequence number"},
		{Mixed, m.Received > 0 && r.Latency.Count == 0, "latency is unknown: no message with a time came while holding"},
		{Mixed, 100*m.Skewed > m.Received, Comma(m.Skewed) + " messages came before they were due: the clocks differ, and latencies are not to be believed"},
		{Mixed, c.total() > 0 && c.Disconnects == 0, Comma(c.total()) + " attempts to connect failed"},
		{Mixed, r.Plan.Planned < r.Plan.Requested, fmt.Sprintf("%s connections were asked for", Comma(r.Plan.Requested))},
		awayConcern(r),
		{Mixed, r.Split.Bottleneck, r.Split.Verdict},
	}
}

// unmet lists the conditions that are not met.
func unmet(asserts []Verdict) string {
	var list []string
	for _, v := range asserts {
		if !v.OK {
			list = append(list, v.Clause)
		}
	}
	return strings.Join(list, ", ")
}

// held says who was connected, and for how long.
func held(r *Report) string {
	c := &r.Connections
	span := fmt.Sprintf("for %.0f s", r.Phases.Hold)
	if r.Ticks.Count > 0 {
		span = fmt.Sprintf("for %s ticks", Comma(r.Ticks.Count))
	}
	if r.Plan.Slow > 0 {
		span += fmt.Sprintf(", %s of them not reading", Comma(r.Plan.Slow))
	}
	if r.Away != nil {
		span += fmt.Sprintf(", %s of them away for %s s", Comma(r.Away.Clients), Comma(r.Away.For))
	}
	if r.Plan.Churn > 0 {
		span += fmt.Sprintf(", %s a second leaving and coming back", Comma(r.Plan.Churn))
	}
	switch {
	case c.AfterRamp < r.Plan.Planned:
		return fmt.Sprintf("only %s of %s clients got connected%s", Comma(c.AfterRamp), Comma(r.Plan.Planned), lack(c))
	case c.Disconnects > 0 && c.Connected == 0:
		return fmt.Sprintf("all %s connections were broken off and none came back%s", Comma(c.AfterRamp), lack(c))
	case c.Disconnects > 0 && c.Connected < c.AfterRamp:
		return fmt.Sprintf("%s connections were broken off, and at the end only %s of %s were left", Comma(c.Disconnects), Comma(c.Connected), Comma(c.AfterRamp))
	case c.Disconnects > 0:
		return fmt.Sprintf("%s clients %s, with %s broken off on the way", Comma(c.Connected), span, Comma(c.Disconnects))
	case c.Connected < c.AfterRamp && r.Plan.Churn == 0:
		return fmt.Sprintf("only %s of %s connections were left at the end", Comma(c.Connected), Comma(c.AfterRamp))
	case r.Plan.Planned < r.Plan.Requested:
		return fmt.Sprintf("%s connections held %s, of %s asked for", Comma(c.Connected), span, Comma(r.Plan.Requested))
	}
	return fmt.Sprintf("%s connections held %s", Comma(c.Connected), span)
}

// lack says how most of those failed who did.
func lack(c *Connections) string {
	name, most := "", int64(0)
	for kind, n := range c.Failures {
		if n > most || n == most && kind < name {
			name, most = kind, n
		}
	}
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" (%s × %s)", Comma(most), strings.ReplaceAll(name, "_", " "))
}

// fate says what became of the messages.
func fate(r *Report) string {
	m := &r.Messages
	if m.Received == 0 {
		return "no message came"
	}
	if m.Untracked == m.Received {
		return "loss unknown, as messages carry no number"
	}
	var faults []string
	for _, f := range []struct {
		n    int64
		what string
	}{
		{m.Lost, "lost"}, {m.Duplicates, "doubled"}, {m.Reordered, "out of order"}, {m.Missed, "missed while away"}, {m.Conflated, "skipped for newer ones"},
	} {
		if f.n > 0 {
			faults = append(faults, Comma(f.n)+" "+f.what)
		}
	}
	switch {
	case len(faults) == 0 && r.Connections.Disconnects > 0:
		return "nothing lost while connected"
	case len(faults) == 0:
		return "nothing lost"
	}
	text := strings.Join(faults, ", ") + " of " + Comma(m.Received+m.Lost+m.Conflated+m.Missed) + " messages"
	if m.Lost == 0 && m.Missed == 0 {
		return "nothing lost, but " + text
	}
	return text
}
