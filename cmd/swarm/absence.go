package main

import (
	"time"

	"tickgate/internal/load"
)

// afterReturn is how long a run goes on behind the end of an absence, unless --hold says otherwise: time to catch up in, and
// to see that all is as before.
const afterReturn = 30 * time.Second

// absence returns who is to leave and come back.
func (f *flags) absence() load.Absence {
	rate := f.AwayRate
	if rate == 0 {
		rate = f.Rate
	}
	return load.Absence{Clients: f.AwayClients, After: f.AwayAfter, For: f.Away, Rate: rate}
}

// absence checks an absence, and sets how long the run holds if that is not given.
func (p *problems) absence(f *flags, o *options) {
	a := &o.client.Absence
	if a.Clients == 0 {
		return
	}
	if o.conns > 0 && a.Clients > o.conns {
		p.add("--away-clients: %d clients of %d cannot be away", a.Clients, o.conns)
	}
	end := a.After + a.For
	if a.Rate > 0 {
		end += time.Duration(float64(a.Clients) / a.Rate * float64(time.Second))
	}
	switch {
	case f.Hold == nil && f.Ticks == 0:
		o.hold = end + afterReturn
	case o.hold > 0 && o.hold <= end:
		p.add("--hold: %v is over before all of --away-clients are back, %v after everybody is connected", o.hold, end)
	}
	if !f.Reconnect {
		p.add("--away-clients: nobody comes back with --no-reconnect")
	}
	if o.client.HasRaw() {
		p.add("--away-clients: WebSocket clients get no ids to come back with; give --mix sse=1, --subprotocol %s or --id-field", load.Envelope)
	}
}

// late is how long a run is prolonged for clients that should be back from their absence and are not.
const late = 30 * time.Second

// misses reports whether a run whose time has been up for some time waits for clients to come back.
func (c *conductor) misses(over time.Duration) bool {
	a := &c.o.client.Absence
	return a.Clients > 0 && over < late && (c.stats.Left < a.Clients || c.stats.Returned.Opened < int64(a.Clients))
}
