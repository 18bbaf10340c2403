package topic

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		p, topic string
		want     bool
	}{
		{"price.ACME", "price.ACME", true},
		{"price.ACME", "price.ACM", false},
		{"price.ACME", "price", false},
		{"price", "price.ACME", false},
		{"price.*", "price.ACME", true},
		{"price.*", "price", false},
		{"price.*", "price.ACME.bid", false},
		{"*.ACME", "price.ACME", true},
		{"price.>", "price.ACME", true},
		{"price.>", "price.ACME.bid", true},
		{"price.>", "price", false},
		{"price.>", "prices.ACME", false},
		{">", "price", true},
		{"*.>", "price", false},
	} {
		if got := Match(tc.p, tc.topic); got != tc.want {
			t.Errorf("Match(%q, %q): got %v, want %v", tc.p, tc.topic, got, tc.want)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, tc := range []struct {
		grants, p string // grants are separated by spaces
		want      bool
	}{
		{"price.ACME", "price.ACME", true},
		{"price.*", "price.ACME", true},
		{"price.*", "price.*", true},
		{"price.*", "price.>", false},
		{"price.>", "price.*", true},
		{"price.>", "price.*.bid", true},
		{"price.>", "price", false},
		{"price.>", "*.ACME", false},
		{"price.>", ">", false},
		{">", ">", true},
		{"*.>", "price.>", true},
		{"*.*", "price.*", true},
		{"price.ACME", "price.*", false}, // they only overlap
		{"price.ACME price.EMCA", "price.*", false},
		{"price.* price.*.>", "price.>", true}, // together
		{"price.*.>", "price.>", false},
		{"price.* price.*.* price.*.*.>", "price.>", true},
		{"price.* price.*.*.>", "price.>", false}, // a hole
		{"* *.>", ">", true},
		{"* *.*", ">", false},
		{"fx.* price.>", "price.ACME", true},
		{"", "price", false},
	} {
		if got := Covers(strings.Fields(tc.grants), tc.p); got != tc.want {
			t.Errorf("Covers(%q, %q): got %v, want %v", tc.grants, tc.p, got, tc.want)
		}
	}
}

// universe is every topic of up to six tokens, over what the patterns of randomPattern spell out and one token that they
// do not: two tokens that no pattern spells out are alike.
var universe = allTopics(6, "a", "b", "other")

func allTopics(tokens int, alphabet ...string) []string {
	all, longest := slices.Clone(alphabet), alphabet
	for range tokens - 1 {
		var longer []string
		for _, t := range longest {
			for _, a := range alphabet {
				longer = append(longer, t+"."+a)
			}
		}
		all, longest = append(all, longer...), longer
	}
	return all
}

// matchSlowly is the definition of a match, on tokens.
func matchSlowly(p, topic []string) bool {
	switch {
	case len(p) == 0 || len(topic) == 0:
		return len(p) == len(topic)
	case p[0] == ">":
		return true
	}
	return (p[0] == "*" || p[0] == topic[0]) && matchSlowly(p[1:], topic[1:])
}

// coversSlowly asks for each topic of the universe; it is right for patterns of at most five tokens.
func coversSlowly(grants []string, p string) bool {
	selects := func(p, topic string) bool { return matchSlowly(strings.Split(p, "."), strings.Split(topic, ".")) }
	return !slices.ContainsFunc(universe, func(topic string) bool {
		return selects(p, topic) && !slices.ContainsFunc(grants, func(g string) bool { return selects(g, topic) })
	})
}

func randomPattern(r *rand.Rand) string {
	tokens := make([]string, 1+r.IntN(4))
	for i := range tokens {
		tokens[i] = []string{"a", "b", "*", "*", "*"}[r.IntN(5)]
	}
	if r.IntN(2) == 0 {
		tokens[len(tokens)-1] = ">"
	}
	return strings.Join(tokens, ".")
}

// TestCoversIsContainment compares with brute force over all short topics.
func TestCoversIsContainment(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, seed))
	covered := 0
	for range 4000 {
		grants := make([]string, r.IntN(5))
		for i := range grants {
			grants[i] = randomPattern(r)
		}
		p := randomPattern(r)
		want := coversSlowly(grants, p)
		if got := Covers(grants, p); got != want {
			t.Fatalf("Covers(%q, %q): got %v, want %v", grants, p, got, want)
		}
		if want {
			covered++
		}
	}
	if covered < 400 || covered > 3600 {
		t.Errorf("got %d of 4000 cases covered, want a mixture", covered)
	}
}

func TestMatchIsMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 12))
	for range 200 {
		p := randomPattern(r)
		for _, topic := range universe[:400] {
			want := matchSlowly(strings.Split(p, "."), strings.Split(topic, "."))
			if got := Match(p, topic); got != want {
				t.Fatalf("Match(%q, %q): got %v, want %v", p, topic, got, want)
			}
		}
	}
}

// TestCoversLongest: the longest pattern there can be fits the bookkeeping.
func TestCoversLongest(t *testing.T) {
	longest := strings.Repeat("*.", maxTokens-1) + "*"
	grants := []string{longest, strings.TrimSuffix(longest, "*") + ">"}
	if !ValidPattern(grants[0]) || !ValidPattern(grants[1]) {
		t.Fatalf("got an invalid pattern of %d tokens", maxTokens)
	}
	if Covers(grants, ">") {
		t.Error("got all topics covered, want only the longest")
	}
}

func TestAllocations(t *testing.T) {
	grants := []string{"fx.*", "price.*", "price.*.>"}
	n := testing.AllocsPerRun(100, func() {
		_ = ValidPattern("price.>") && Covers(grants, "price.>") && Covers(grants, "price.ACME")
	})
	if n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

// FuzzCovers: nothing crashes, what is covered is selected, and a grant covers itself.
func FuzzCovers(f *testing.F) {
	f.Add("a.* a.*.>", "a.>", "a.b.c")
	f.Add("> b", "*.b", "x.b")
	f.Add("a..b *.", ">.a", "..")
	f.Fuzz(func(t *testing.T, list, p, topic string) {
		grants := slices.DeleteFunc(strings.Split(list, " "), func(g string) bool { return !ValidPattern(g) })
		if !ValidPattern(p) || !Valid(topic) {
			return
		}
		if !Covers(append(grants, p), p) {
			t.Errorf("%q does not cover itself", p)
		}
		granted := slices.ContainsFunc(grants, func(g string) bool { return Match(g, topic) })
		if Covers(grants, p) && Match(p, topic) && !granted {
			t.Errorf("%q covers %q, but not its topic %q", grants, p, topic)
		}
		if Covers(grants, topic) != granted {
			t.Errorf("Covers(%q, %q): got %v, want what Match says", grants, topic, !granted)
		}
	})
}
