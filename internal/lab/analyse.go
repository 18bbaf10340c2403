package lab

import (
	"fmt"

	"tickgate/internal/lab/infer"
)

// Result is what an experiment says, ready to be shown and stored. Infinite bounds are given as nil, which JSON can hold.
type Result struct {
	Experiment string `json:"experiment"`
	Headline   string `json:"headline"`
	// MediansOnly tells that the experiment was made without enough blocks for verdicts, on purpose.
	MediansOnly bool      `json:"medians_only,omitempty"`
	Blocks      int       `json:"blocks"`
	Findings    []Finding `json:"findings"`
	Warnings    []string  `json:"warnings,omitempty"`
}

// Finding is the comparison of one variant with the baseline by one metric.
type Finding struct {
	Metric   string        `json:"metric"`
	Unit     string        `json:"unit,omitempty"`
	Baseline string        `json:"baseline"`
	Variant  string        `json:"variant"`
	Verdict  infer.Verdict `json:"verdict"`
	Text     string        `json:"text"` // the verdict in a sentence
	// Better is "better" or "worse" if the variants differ and the metric has a direction.
	Better string `json:"better,omitempty"`

	Blocks   int        `json:"blocks"`
	Median   []float64  `json:"median,omitempty"` // of the runs of baseline and variant; none without a complete block
	Effect   Comparison `json:"effect"`           // what the three following are: a share of the baseline, or a difference in the unit
	Estimate float64    `json:"estimate"`
	Low      *float64   `json:"low"` // confidence 95 %
	High     *float64   `json:"high"`
	P        float64    `json:"p"`
	PHolm    float64    `json:"p_holm"`
	Minimum  float64    `json:"minimum"` // the smallest effect of interest, as a share or difference
	Needed   int        `json:"needed_blocks,omitempty"`
}

// Analyse compares every variant with the baseline by every metric. Blocks in which a run is missing are left out as a whole, since the others of
// its runs have lost what they are compared with.
func (e *Experiment) Analyse(records []*Record) (*Result, error) {
	blocks, err := e.complete(records)
	if err != nil {
		return nil, err
	}
	result := &Result{Experiment: e.Name, Blocks: len(blocks), MediansOnly: e.MediansOnly}
	if missing := e.Design.Repeats - len(blocks); missing > 0 {
		result.Warnings = append(result.Warnings, fmt.Sprintf("incomplete and left out: %d of %d blocks", missing, e.Design.Repeats))
	}
	var effects []infer.Effect
	for v := 1; v < len(e.Variants); v++ {
		for m := range e.Metrics {
			finding, effect := e.compare(blocks, m, v)
			result.Findings = append(result.Findings, finding)
			effects = append(effects, effect)
		}
	}
	e.judge(result, effects)
	result.Warnings = append(result.Warnings, e.DesignWarnings()...)
	result.Headline = e.headline(result.Findings)
	return result, nil
}

// DesignWarnings says what the design cannot show, however the runs come out.
func (e *Experiment) DesignWarnings() []string {
	if e.MediansOnly {
		return []string{"medians only: these are too few blocks for verdicts, on purpose"}
	}
	tests := e.tests()
	if least := infer.MinBlocks(tests); e.Design.Repeats < least {
		return []string{fmt.Sprintf("no difference can survive the correction for %d tests with so few repeats (%d); it takes %d", tests, e.Design.Repeats, least)}
	}
	return nil
}

// tests is the number of comparisons that share the chance of a false difference.
func (e *Experiment) tests() int { return len(e.Metrics) * (len(e.Variants) - 1) }

// values are the values of every metric of every variant in one block: of each run, in the order of execution.
type values map[[2]int][]float64

// complete returns the values of the blocks of which all runs are there.
func (e *Experiment) complete(records []*Record) ([]values, error) {
	perVariant := 1
	if e.Design.Order == Mirrored {
		perVariant = 2
	}
	byBlock := make([]values, e.Design.Repeats)
	for _, r := range records {
		block := r.Run.Block - 1
		if block < 0 || block >= len(byBlock) {
			return nil, fmt.Errorf("run %d is of block %d, of which there are %d", r.Run.Number, r.Run.Block, len(byBlock))
		}
		if byBlock[block] == nil {
			byBlock[block] = values{}
		}
		for m, metric := range e.Metrics {
			value, err := metric.Of(&r.Measurement)
			if err != nil {
				return nil, fmt.Errorf("run %d (%s): %w", r.Run.Number, r.Run.Name, err)
			}
			key := [2]int{r.Run.Variant, m}
			byBlock[block][key] = append(byBlock[block][key], value)
		}
	}
	var whole []values
	for _, block := range byBlock {
		if e.isWhole(block, perVariant) {
			whole = append(whole, block)
		}
	}
	return whole, nil
}

func (e *Experiment) isWhole(block values, perVariant int) bool {
	for v := range e.Variants {
		if len(block[[2]int{v, 0}]) != perVariant {
			return false
		}
	}
	return true
}

// compare computes the effect of variant v on metric m.
func (e *Experiment) compare(blocks []values, m, v int) (Finding, infer.Effect) {
	metric := e.Metrics[m]
	var runs [2][]float64
	for _, block := range blocks {
		runs[0] = append(runs[0], block[[2]int{0, m}]...)
		runs[1] = append(runs[1], block[[2]int{v, m}]...)
	}
	scale := scaleOf(metric, runs)
	differences := make([]float64, len(blocks))
	for i, block := range blocks {
		differences[i] = scale.mean(block[[2]int{v, m}]) - scale.mean(block[[2]int{0, m}])
	}
	effect := infer.Compute(differences)
	finding := Finding{
		Metric: metric.Name, Unit: metric.Unit, Baseline: e.Variants[0].Name, Variant: e.Variants[v].Name, Blocks: len(blocks),
		Effect: scale.kind, Minimum: scale.minimum,
		Estimate: scale.show(effect.Estimate), Low: scale.bound(effect.Low), High: scale.bound(effect.High), P: effect.P,
	}
	if len(blocks) > 0 {
		finding.Median = []float64{infer.Summarise(runs[0]).Median, infer.Summarise(runs[1]).Median}
	}
	return finding, effect
}
