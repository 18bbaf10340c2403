package auth

import (
	"errors"
	"fmt"
	"slices"

	"tickgate/internal/topic"
)

// maxPatterns bounds what a check of a topic costs: 11 microseconds for the longest ones (BenchmarkMaySubscribe).
const maxPatterns = 256

// Permissions are the patterns that somebody was granted. They are immutable; the zero value grants nothing.
type Permissions struct {
	subscribe, publish []string
}

// NewPermissions grants the given patterns, at most 256 of each kind, which it copies. An error quotes the pattern that
// is malformed.
func NewPermissions(subscribe, publish []string) (Permissions, error) {
	for _, list := range [][]string{subscribe, publish} {
		if len(list) > maxPatterns {
			return Permissions{}, fmt.Errorf("%d patterns, at most %d can be granted; use wildcards", len(list), maxPatterns)
		}
		var errs []error
		for _, p := range list {
			errs = append(errs, topic.CheckPattern(p))
		}
		if err := errors.Join(errs...); err != nil {
			return Permissions{}, err
		}
	}
	return Permissions{subscribe: slices.Clone(subscribe), publish: slices.Clone(publish)}, nil
}

// MaySubscribe reports whether every topic that the pattern selects was granted: to overlap with what was granted is not
// enough. It is false for a malformed pattern.
func (p Permissions) MaySubscribe(wanted string) bool {
	return topic.ValidPattern(wanted) && topic.Covers(p.subscribe, wanted)
}

// MayPublish reports whether publishing to the topic was granted. It is false for patterns with wildcards and for
// malformed topics.
func (p Permissions) MayPublish(name string) bool {
	return topic.Valid(name) && topic.Covers(p.publish, name)
}

// None reports whether nothing at all was granted.
func (p Permissions) None() bool { return len(p.subscribe) == 0 && len(p.publish) == 0 }
