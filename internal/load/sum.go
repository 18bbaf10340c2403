package load

import "slices"

// Sum adds up the statistics of several processes again and again. Distributions that have not changed since the last
// time, which are most of them, are not added up again. The zero value is ready. Not safe for concurrent use.
type Sum struct {
	parts []*Stats // as of the last time
	sum   *Stats
}

// Of returns the sum of parts, which must be as many each time. Neither they nor the sum may be changed afterwards.
func (s *Sum) Of(parts []*Stats) *Stats {
	sum := new(Stats)
	for _, p := range parts {
		counters := *p
		for _, d := range counters.dists() {
			*d = Dist{}
		}
		sum.Add(&counters)
	}
	for i, d := range sum.dists() {
		*d = s.dist(i, parts)
	}
	s.parts, s.sum = slices.Clone(parts), sum
	return sum
}

// dist returns the sum of distribution i.
func (s *Sum) dist(i int, parts []*Stats) Dist {
	changed := len(s.parts) != len(parts)
	for j := 0; j < len(parts) && !changed; j++ {
		changed = !parts[j].dists()[i].is(*s.parts[j].dists()[i])
	}
	if !changed {
		return *s.sum.dists()[i]
	}
	var counts []int64
	for _, p := range parts {
		counts = p.dists()[i].addTo(counts)
	}
	return newDist(counts)
}

// is reports whether d and e are one distribution, and not just equal.
func (d Dist) is(e Dist) bool {
	return len(d.Index) == len(e.Index) && (len(d.Index) == 0 || &d.Index[0] == &e.Index[0])
}

// addTo adds to counts by bucket, and returns it as long as it had to become.
func (d Dist) addTo(counts []int64) []int64 {
	if n := len(d.Index); n > 0 && int(d.Index[n-1]) >= len(counts) {
		counts = append(counts, make([]int64, int(d.Index[n-1])+1-len(counts))...)
	}
	for i, index := range d.Index {
		counts[index] += d.Count[i]
	}
	return counts
}
