package lab

import "maps"

// Setup returns how variant i is run: what is common with the variant's own settings laid over it.
func (e *Experiment) Setup(i int) Setup { return e.Common.with(e.Variants[i].Setup) }

// with returns s with the settings of over laid over it.
func (s Setup) with(over Setup) Setup {
	s.Gateway = mergeMaps(s.Gateway, over.Gateway)
	s.Swarm = mergeMaps(s.Swarm, over.Swarm)
	s.Env = mergeMaps(s.Env, over.Env)
	s.Sysctl = mergeMaps(s.Sysctl, over.Sysctl)
	override(&s.IO, over.IO)
	override(&s.NoFile, over.NoFile)
	if over.Conntrack != nil {
		s.Conntrack = over.Conntrack
	}
	return s
}

// override sets the field unless the value is zero.
func override[T comparable](field *T, value T) {
	var zero T
	if value != zero {
		*field = value
	}
}

// mergeMaps returns a new map with the keys of both; those of over win.
func mergeMaps[M ~map[K]V, K comparable, V any](under, over M) M {
	merged := make(M, len(under)+len(over))
	maps.Copy(merged, under)
	maps.Copy(merged, over)
	return merged
}
