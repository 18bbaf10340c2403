package report

import (
	"time"

	"tickgate/internal/load"
)

// Series makes points of what is read once an interval. The zero value is ready. Not safe for concurrent use.
type Series struct {
	Points []Point

	begin    time.Time
	last     Reading
	lastHeld load.Dist
	lastRamp load.Dist
	heat     heat
}

// Reading is the material of one point.
type Reading struct {
	At        time.Time
	Swarm     *load.Stats
	SelfCPU   float64 // processor seconds so far
	ServerCPU float64
	ServerRSS int64
}

// maxPoints bounds the series: a day of seconds. A longer run keeps its beginning.
const maxPoints = 24 * 60 * 60

// Add appends the point of what has happened since the last Add.
func (s *Series) Add(r Reading) Point {
	held := r.Swarm.Hold[load.WebSocket].Merge(r.Swarm.Hold[load.SSE])
	ramp := r.Swarm.Ramp[load.WebSocket].Merge(r.Swarm.Ramp[load.SSE])
	if s.begin.IsZero() {
		s.begin, s.last, s.lastHeld, s.lastRamp = r.At, r, held, ramp
		return Point{}
	}
	now, before := r.Swarm.Sum(), s.last.Swarm.Sum()
	seconds := r.At.Sub(s.last.At).Seconds()
	q := quantiles(held.Since(s.lastHeld))
	p := Point{
		At: r.At.Sub(s.begin).Seconds(), Connected: r.Swarm.Connected(), Messages: now.Messages - before.Messages,
		P50: q.P50, P99: q.P99, Max: q.Max,
		Lost: now.Lost - before.Lost, Conflated: now.Conflated - before.Conflated, RSS: r.ServerRSS,
		Server: per(r.ServerCPU-s.last.ServerCPU, seconds), Swarm: per(r.SelfCPU-s.last.SelfCPU, seconds),
	}
	p.Opened, p.Disconnects = now.Opened-before.Opened, now.Disconnects-before.Disconnects
	p.Failed = r.Swarm.Faults.FailedBeforeOpen() - s.last.Swarm.Faults.FailedBeforeOpen()
	if len(s.Points) < maxPoints {
		s.Points = append(s.Points, p)
	}
	s.heat.add(s.second(s.last.At), p.At, held.Since(s.lastHeld).Merge(ramp.Since(s.lastRamp)))
	s.last, s.lastHeld, s.lastRamp = r, held, ramp
	return p
}

// second returns a moment in the seconds of the series: since its first reading.
func (s *Series) second(at time.Time) float64 { return seconds(at.Sub(s.begin).Seconds()) }
