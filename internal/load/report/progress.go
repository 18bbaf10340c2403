package report

import (
	"fmt"
	"strings"
	"time"

	"tickgate/internal/load"
)

// Progress is what a line of progress tells.
type Progress struct {
	Phase   string // ramp, hold, settle, leave
	Elapsed time.Duration
	Planned int
	Swarm   *load.Stats
	Point   Point // the last interval
	Every   float64
	Ticks   int
	Of      int // ticks to wait for, 0 if none
}

// Line returns the progress in one line without an end.
func (p *Progress) Line() string {
	sum := p.Swarm.Sum()
	var b strings.Builder
	fmt.Fprintf(&b, "%5.0fs %-6s %s/%s connected", p.Elapsed.Seconds(), p.Phase, Comma(p.Swarm.Connected()), Comma(p.Planned))
	if n := p.Swarm.Faults.FailedBeforeOpen(); n > 0 {
		fmt.Fprintf(&b, ", %s failed", Comma(n))
	}
	if sum.Disconnects > 0 {
		fmt.Fprintf(&b, ", %s disconnected", Comma(sum.Disconnects))
	}
	fmt.Fprintf(&b, " | %s msg/s", Comma(per(float64(p.Point.Messages), p.Every)))
	if p.Point.P99 > 0 {
		fmt.Fprintf(&b, " p50 %s p99 %s", Duration(p.Point.P50), Duration(p.Point.P99))
	}
	fmt.Fprintf(&b, " | lost %s", Comma(sum.Lost))
	if sum.Conflated > 0 {
		fmt.Fprintf(&b, " conflated %s", Comma(sum.Conflated))
	}
	if n := sum.Duplicates + sum.Reordered; n > 0 {
		fmt.Fprintf(&b, " dup/reord %s", Comma(n))
	}
	if p.Of > 0 {
		fmt.Fprintf(&b, " | tick %s/%s", Comma(p.Ticks), Comma(p.Of))
	} else if p.Ticks > 0 {
		fmt.Fprintf(&b, " | tick %s", Comma(p.Ticks))
	}
	if p.Point.Server > 0 {
		fmt.Fprintf(&b, " | server %.2f cores %.0f MB", p.Point.Server, float64(p.Point.RSS)/1e6)
	}
	fmt.Fprintf(&b, " | swarm %.2f cores", p.Point.Swarm)
	return b.String()
}
