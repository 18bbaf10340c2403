package infer

// Verdict is what may be said about one metric.
type Verdict string

// The verdicts.
const (
	// None: the whole interval lies within the smallest effect of interest.
	None Verdict = "no measurable effect"
	// Differs: the corrected p-value rules out chance. How large the effect is, and whether it is of interest, is for the interval to say.
	Differs Verdict = "differs"
	// Inconclusive: neither of the two. More blocks would settle it.
	Inconclusive Verdict = "inconclusive"
)

// Judge returns the verdict about an effect whose p-value, corrected for the other metrics, is p. The smallest effect of interest is given as the
// differences below and above zero that reach it; they are not symmetric for logarithms, where -5 % is further from zero than +5 %.
func (e Effect) Judge(p, below, above float64) Verdict {
	within := e.Low >= below && e.High <= above
	distinct := p <= 1-Level && (e.Low > 0 || e.High < 0)
	switch {
	case within: // even if it is not zero: it is too small to matter
		return None
	case distinct:
		return Differs
	}
	return Inconclusive
}
