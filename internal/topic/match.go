package topic

import "strings"

// Match reports whether pattern p selects topic. Both must have passed their check.
func Match(p, topic string) bool { return contains(p, topic) }

// Covers reports whether every topic that pattern p selects is selected by at least one of the granted patterns. All
// must have passed CheckPattern. It is exact: a.> lies within a.* and a.*.> together, though in neither alone. It walks once
// over the grants.
func Covers(grants []string, p string) bool {
	prefix, endless := strings.CutSuffix(p, ">")
	if endless {
		return coversEndless(grants, prefix)
	}
	// A * of p may be any token, also one that no grant spells out, and that topic must lie within a single grant.
	for _, g := range grants {
		if contains(g, p) {
			return true
		}
	}
	return false
}

// contains reports whether grant g selects all that p does, which does not end in >.
func contains(g, p string) bool {
	for {
		grant, grants, moreGrants := strings.Cut(g, ".")
		token, tokens, moreTokens := strings.Cut(p, ".")
		switch {
		case grant == ">":
			return true
		case grant != "*" && grant != token, moreGrants != moreTokens:
			return false
		case !moreTokens:
			return true
		}
		g, p = grants, tokens
	}
}

// coversEndless is Covers for the pattern prefix + ">", where prefix is empty or ends in a dot. That pattern is the union,
// over n = 1, 2, …, of prefix and n times *. A grant that ends in > selects all of these from some n on, another one
// those of a single n; together they must leave no hole.
func coversEndless(grants []string, prefix string) bool {
	var single [maxTokens + 1]bool // n that a grant without > selects
	from := maxTokens + 1          // the least n from which on a grant with > selects all
	for _, g := range grants {
		switch n, endless := reach(g, prefix); {
		case endless:
			from = min(from, n)
		case n > 0:
			single[n] = true
		}
	}
	if from > maxTokens {
		return false
	}
	for n := 1; n < from; n++ {
		if !single[n] {
			return false
		}
	}
	return true
}

// reach returns for which n grant g selects everything that prefix and n times * does: n and all above it if endless,
// that n alone if not, none if n is 0.
func reach(g, prefix string) (n int, endless bool) {
	more := true
	for prefix != "" && more {
		var grant, token string
		token, prefix, _ = strings.Cut(prefix, ".")
		if grant, g, more = strings.Cut(g, "."); grant == ">" {
			return 1, true
		} else if grant != "*" && grant != token {
			return 0, false
		}
	}
	for more {
		var grant string
		n++
		switch grant, g, more = strings.Cut(g, "."); grant {
		case ">":
			return n, true
		case "*":
		default:
			return 0, false
		}
	}
	return n, false
}
