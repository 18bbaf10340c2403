package load

// deal says which client connects to which target. Immutable.
type deal struct {
	targets [Transports][]uint8 // indexes into Config.Targets
	ws, all int                 // of all clients in a row, ws are on WebSockets
}

func newDeal(cfg *Config) deal {
	var d deal
	for i := range cfg.Targets {
		t := cfg.Targets[i].Transport
		d.targets[t] = append(d.targets[t], uint8(i))
	}
	share := cfg.Mix
	for t := range share {
		switch {
		case len(d.targets[t]) == 0:
			share[t] = 0
		case cfg.Mix == Mix{}:
			share[t] = len(d.targets[t])
		}
	}
	if share == (Mix{}) { // all of the mix is on a transport without a target
		share[cfg.Targets[0].Transport] = 1
	}
	d.ws, d.all = share[WebSocket], share[WebSocket]+share[SSE]
	return d
}

// HasRaw reports whether any client is on a WebSocket and gets messages without ids.
func (c *Config) HasRaw() bool {
	if len(c.Targets) == 0 {
		return false
	}
	d := newDeal(c)
	return d.ws > 0 && c.withDefaults().IDField == ""
}

// target returns the index of the target of client i. Each transport gets its share, evenly mixed, and a transport's
// targets take turns.
func (d *deal) target(i int) uint8 {
	// nth is how many clients before i are on WebSockets; one more with i itself means that i is, too.
	nth := i * d.ws / d.all
	own, turn := d.targets[SSE], i-nth
	if (i+1)*d.ws/d.all > nth {
		own, turn = d.targets[WebSocket], nth
	}
	return own[turn%len(own)]
}
