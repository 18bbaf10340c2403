package lab

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// address names a number of a run: source.path, and for the gateway's metrics also which series of that name and what of them.
type address struct {
	source string            // gateway, swarm, netstat or lab
	path   string            // for swarm with dots between the keys
	labels map[string]string // that a series must have
	stat   string            // "", mean or p50, p99.9, …: of a histogram
}

var (
	addressForm = regexp.MustCompile(`^(gateway|swarm|netstat|lab)\.([^{}:\s]+)(\{[^{}]*\})?(?::(\S+))?$`)
	labelForm   = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_]*)="([^"]*)"\s*$`)
)

func parseAddress(text string) (address, error) {
	parts := addressForm.FindStringSubmatch(text)
	if parts == nil {
		return address{}, fmt.Errorf(`got %q, want gateway.METRIC, gateway.METRIC{label="value"}, gateway.HISTOGRAM:p99, swarm.KEY.KEY, netstat.TcpExt.NAME or lab.NAME`, text)
	}
	a := address{source: parts[1], path: parts[2], stat: parts[4]}
	if a.source != "gateway" && (parts[3] != "" || a.stat != "") {
		return address{}, fmt.Errorf("%q: only the gateway's metrics have labels and quantiles", text)
	}
	if a.stat != "" && a.stat != "mean" {
		if q, err := a.quantile(); err != nil || q <= 0 || q >= 1 {
			return address{}, fmt.Errorf("%q: want mean or a quantile between p0 and p100, such as p99, behind the colon", text)
		}
	}
	labels, err := parseLabels(parts[3])
	a.labels = labels
	return a, err
}

func parseLabels(braced string) (map[string]string, error) {
	inner := strings.Trim(braced, "{}")
	if strings.TrimSpace(inner) == "" {
		return nil, nil
	}
	labels := map[string]string{}
	for pair := range strings.SplitSeq(inner, ",") {
		parts := labelForm.FindStringSubmatch(pair)
		if parts == nil {
			return nil, fmt.Errorf(`label %q: want name="value"`, pair)
		}
		labels[parts[1]] = parts[2]
	}
	return labels, nil
}

// quantile returns 0.99 for p99.
func (a address) quantile() (float64, error) {
	percent, err := strconv.ParseFloat(strings.TrimPrefix(a.stat, "p"), 64)
	return percent / 100, err
}
