package auth

import (
	"cmp"
	"runtime"
	"time"

	"tickgate/internal/auth/keyset"
)

// Config says which tokens are accepted. Zero values mean the defaults.
type Config struct {
	// Keys are those known from the start: secrets and public keys.
	Keys []*keyset.Key
	// Remote is a key set behind a URL, which New sets running; nil for none.
	Remote *keyset.Remote

	// Issuers are the accepted values of iss; none means that iss is not looked at.
	Issuers []string
	// Audiences are our names: one of them must be in aud. None means that aud is not looked at, which is only safe if
	// the issuer makes tokens for nobody else.
	Audiences []string
	// Leeway is added to exp and subtracted from nbf, for clocks that differ. Default: none.
	Leeway time.Duration
	// Claim is the name of the claim with the patterns. Default: tickgate. Some issuers want a URL here.
	Claim string

	// Workers is the number of goroutines that verify public-key signatures. Default: one for two processors, so that a
	// storm of connections leaves the loops half of the machine.
	Workers int
	// MaxPending is the number of callers that may wait for an outcome; a quarter of them for a fetch of keys. Each
	// holds its token, 8 KiB at most. Default: 4096.
	MaxPending int
	// MaxCached is the number of verdicts held for clients that come back. Default: 16384, 6 MiB with few patterns each
	// (BenchmarkCacheMemory).
	MaxCached int

	// Now is the clock that claims are held against. Default: time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.Claim = cmp.Or(c.Claim, "tickgate")
	c.Workers = cmp.Or(c.Workers, max(1, runtime.GOMAXPROCS(0)/2))
	c.MaxPending = cmp.Or(c.MaxPending, 4096)
	c.MaxCached = cmp.Or(c.MaxCached, 16384)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
