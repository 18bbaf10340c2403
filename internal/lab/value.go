package lab

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Of returns the metric's value in a run, or an error that says what the run lacks.
func (m Metric) Of(r *Measurement) (float64, error) {
	value, err := r.number(m.Value)
	if err == nil && m.Per != "" {
		var per float64
		if per, err = r.number(m.Per); err == nil && per == 0 {
			err = fmt.Errorf("%s is 0, nothing can be divided by it", m.Per)
		}
		value /= per
	}
	if err != nil {
		return math.NaN(), fmt.Errorf("metric %q: %w", m.Name, err)
	}
	return value * float64(m.Scale), nil
}

// number returns what an address names.
func (r *Measurement) number(text string) (float64, error) {
	a, err := parseAddress(text)
	if err != nil {
		return 0, err
	}
	switch a.source {
	case "gateway":
		return r.fromGateway(a)
	case "swarm":
		return r.fromSwarm(a)
	case "netstat":
		return named(r.Netstat, a)
	default:
		return named(r.Lab, a)
	}
}

func named(numbers map[string]float64, a address) (float64, error) {
	if value, ok := numbers[a.path]; ok {
		return value, nil
	}
	return 0, fmt.Errorf("%s.%s: there is no such number%s", a.source, a.path, similar(a.path, slices.Sorted(maps.Keys(numbers))))
}

// similar returns a hint of names that share the last word, or the first few of them all.
func similar(path string, names []string) string {
	last := path[strings.LastIndexAny(path, "._")+1:]
	near := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.Contains(name, last) })
	if len(near) == 0 {
		near = names
	}
	if len(near) == 0 {
		return ""
	}
	return "; there are " + strings.Join(near[:min(len(near), 12)], ", ")
}

// fromGateway sums the series of the name that have the labels; those of several workers, for example.
func (r *Measurement) fromGateway(a address) (float64, error) {
	switch a.stat {
	case "":
		return r.sum(a.path, a.labels)
	case "mean":
		sum, err := r.sum(a.path+"_sum", a.labels)
		if err != nil {
			return 0, err
		}
		count, err := r.sum(a.path+"_count", a.labels)
		if err == nil && count == 0 {
			err = fmt.Errorf("gateway.%s: nothing was observed in the window", a.path)
		}
		return sum / count, err
	}
	q, err := a.quantile()
	if err != nil {
		return 0, err
	}
	return r.histogramQuantile(a, q)
}

func (r *Measurement) sum(name string, labels map[string]string) (float64, error) {
	total, found := 0.0, false
	var names []string
	for _, s := range r.Gateway {
		if s.Name == name && s.has(labels) {
			total += s.gained()
			found = true
		}
		names = append(names, s.Name)
	}
	if !found {
		slices.Sort(names)
		return 0, fmt.Errorf("gateway.%s%s: there is no such series%s", name, labelText(labels), similar(name, slices.Compact(names)))
	}
	return total, nil
}

func (s Series) has(labels map[string]string) bool {
	for name, value := range labels {
		if s.Labels[name] != value {
			return false
		}
	}
	return true
}

func labelText(labels map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, fmt.Sprintf("%s=%q", name, labels[name]))
	}
	if len(pairs) == 0 {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// histogramQuantile estimates a quantile from cumulative buckets, linear within a bucket as Prometheus does it.
func (r *Measurement) histogramQuantile(a address, q float64) (float64, error) {
	at := map[float64]float64{} // observations of at most so much
	for _, s := range r.Gateway {
		if s.Name != a.path+"_bucket" || !s.has(a.labels) {
			continue
		}
		bound, err := strconv.ParseFloat(s.Labels["le"], 64)
		if err != nil {
			return 0, fmt.Errorf("gateway.%s: bucket %q: %w", a.path, s.Labels["le"], err)
		}
		at[bound] += s.gained()
	}
	total := at[math.Inf(1)]
	if total == 0 {
		return 0, fmt.Errorf("gateway.%s: there is no such histogram, or nothing was observed in the window", a.path)
	}
	lower, below := 0.0, 0.0
	for _, upper := range slices.Sorted(maps.Keys(at)) {
		if at[upper] >= q*total {
			if math.IsInf(upper, 1) {
				return lower, nil
			}
			return lower + (upper-lower)*(q*total-below)/(at[upper]-below), nil
		}
		lower, below = upper, at[upper]
	}
	return lower, nil
}

// fromSwarm walks down the swarm's report. A list's items are named by their index.
func (r *Measurement) fromSwarm(a address) (float64, error) {
	var node any
	if err := json.Unmarshal(r.Swarm, &node); err != nil {
		return 0, fmt.Errorf("swarm report: %w", err)
	}
	walked := "swarm"
	for key := range strings.SplitSeq(a.path, ".") {
		next, keys := child(node, key)
		if next == nil {
			return 0, fmt.Errorf("%s: there is no %q%s", walked, key, similar(key, keys))
		}
		node, walked = next, walked+"."+key
	}
	switch value := node.(type) {
	case float64:
		return value, nil
	case bool:
		if value {
			return 1, nil
		}
		return 0, nil
	}
	return 0, fmt.Errorf("%s: got %T, want a number", walked, node)
}

// child returns what node has under key, or nil and the keys it has.
func child(node any, key string) (any, []string) {
	switch node := node.(type) {
	case map[string]any:
		if value, ok := node[key]; ok && value != nil {
			return value, nil
		}
		return nil, slices.Sorted(maps.Keys(node))
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(node) {
			return node[i], nil
		}
	}
	return nil, nil
}
