package report

import (
	"strings"

	"tickgate/internal/load/cost"
)

// MemoryPrice is what a connection costs the server in memory: the run's one answer, of the two ways to ask.
type MemoryPrice struct {
	Bytes float64
	// Slope says that it is the slope over the ramp, between Low and High with 95 % confidence. Otherwise it is the growth divided by the connections,
	// in which what is fixed blurs what a connection adds.
	Slope     bool
	Low, High float64
	// Note says why it is not the slope; empty if it is.
	Note string
}

// MemoryPrice prefers the slope wherever it can be told from chance. It returns false if the server's processes are not known.
func (r *Report) MemoryPrice() (MemoryPrice, bool) {
	if r.Server == nil {
		return MemoryPrice{}, false
	}
	line := r.Cost.Line(cost.PSS)
	if line == nil {
		line = r.Cost.Line(cost.RSS)
	}
	switch {
	case line.Grows() && line.Low > 0:
		return MemoryPrice{Bytes: line.BytesPerConn, Slope: true, Low: line.Low, High: line.High}, true
	case line == nil:
		return MemoryPrice{Bytes: r.Server.PerConn, Note: "the ramp was not sampled"}, true
	case line.Known:
		return MemoryPrice{Bytes: r.Server.PerConn, Note: "the ramp's slope cannot be told from chance"}, true
	}
	return MemoryPrice{Bytes: r.Server.PerConn, Note: "the ramp has no slope: " + strings.TrimSuffix(line.Note, " to tell")}, true
}

// remark says in the table which of the two numbers is the answer.
func (p MemoryPrice) remark() string {
	if p.Slope {
		return "; the slope below is surer"
	}
	return "; " + p.Note
}
