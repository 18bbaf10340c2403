package main

import (
	"strings"

	"tickgate/internal/load"
)

// subscription checks what clients are to subscribe to.
func (p *problems) subscription(cfg *load.Config) {
	if cfg.PerClient < 1 {
		p.add("--topics-per-client: %d is no number of topics; give 1 or more", cfg.PerClient)
		return
	}
	if _, err := cfg.Names(); err != nil {
		p.add("--topics: %v", err)
	}
	if cfg.ByCommand && (cfg.Subprotocol != load.Envelope || len(cfg.Topics) == 0) {
		p.add("--subscribe: commands are part of %s and name topics; give --subprotocol %s and --topics, or leave it at query",
			load.Envelope, load.Envelope)
	}
	if len(cfg.Topics) == 0 {
		return
	}
	for _, t := range cfg.Targets {
		if strings.Contains(t.Path, "?topic=") || strings.Contains(t.Path, "&topic=") {
			p.add("--topics: %s has topics of its own; name all of them with --topics", t.URL)
		}
	}
}
