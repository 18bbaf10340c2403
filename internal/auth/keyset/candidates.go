package keyset

import "slices"

// maxCandidates bounds the keys tried for one token, and so what a token without a key id can cost.
const maxCandidates = 4

// Candidates returns the keys that a token with header h may have been signed with, at most four, and whether one of
// them has the very id that the token names. They are of the token's algorithm, not retired, and
//
//   - have the id that the token names, or no id at all, which fits every token; the former come first;
//   - if the token names none: all, in order. During a rotation of keys without ids both are tried.
func Candidates(h Header, keys ...*Key) (found []*Key, named bool) {
	var others []*Key
	for _, k := range keys {
		switch {
		case k.alg != h.Algorithm || k.Retired():
		case h.KeyID != "" && k.id == h.KeyID:
			found, named = append(found, k), true
		case h.KeyID == "" || k.id == "":
			others = append(others, k)
		}
	}
	found = append(found, others...)
	return found[:min(len(found), maxCandidates)], named
}

// Replace returns the keys that follow old: those of fresh, but the same object as before for a key that stays, so that
// what was verified with it stays valid. Keys that are gone are retired. Neither list is modified.
func Replace(old, fresh []*Key) []*Key {
	next := slices.Clone(fresh)
	for i, k := range fresh {
		if at := slices.IndexFunc(old, k.Same); at >= 0 {
			next[i] = old[at]
		}
	}
	for _, k := range old {
		if !slices.Contains(next, k) {
			k.Retire()
		}
	}
	return next
}
