package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	sampling "tickgate/internal/load/sample"
)

// meter takes numbers at both ends of the window.
type meter struct {
	t         *trial
	processes *sampling.Processes // of the gateway
	before    reading
}

// reading is everything that is read at one moment.
type reading struct {
	at      time.Time
	page    []sample
	gateway sampling.Usage
	machine sampling.Kernel
	netstat map[string]float64
}

func newMeter(t *trial) (*meter, error) {
	processes, err := sampling.NewProcesses(sampling.Fixed(t.gateway.pid()), nil)
	if err != nil {
		return nil, err
	}
	return &meter{t: t, processes: processes}, nil
}

func (m *meter) begin(ctx context.Context) (err error) {
	m.before, err = m.read(ctx)
	return err
}

// end takes the second reading and enters the differences into the record.
func (m *meter) end(ctx context.Context) error {
	after, err := m.read(ctx)
	if err != nil {
		return err
	}
	before, record := m.before, m.t.record
	record.Gateway = pair(before.page, after.page)
	record.Netstat = map[string]float64{}
	for name, value := range after.netstat {
		record.Netstat[name] = value - before.netstat[name]
	}
	for name, value := range map[string]float64{
		"window_seconds":          after.at.Sub(before.at).Seconds(),
		"gateway_cpu_seconds":     after.gateway.CPU() - before.gateway.CPU(),
		"gateway_waiting_seconds": after.gateway.Waiting - before.gateway.Waiting,
		"gateway_rss_bytes":       float64(after.gateway.RSS),
		"gateway_pss_bytes":       float64(after.gateway.PSS),
		"gateway_threads":         float64(after.gateway.Threads),
		"gateway_processes":       float64(after.gateway.Processes),
		"kernel_slab_bytes":       float64(after.machine.Slab),
		"kernel_queue_bytes":      float64(after.machine.Queues),
		"machine_busy_seconds":    busy(after.machine) - busy(before.machine),
		"machine_steal_seconds":   after.machine.Steal - before.machine.Steal,
	} {
		record.Lab[name] = value
	}
	return m.tracked()
}

func busy(k sampling.Kernel) float64 { return k.User + k.System + k.SoftIRQ }

func (m *meter) read(ctx context.Context) (reading, error) {
	if err := m.processes.Refresh(); err != nil {
		return reading{}, err
	}
	page, err := m.t.admin.scrape(ctx)
	if err != nil {
		return reading{}, err
	}
	netstat, err := readNetstat(m.t.gateway.pid())
	return reading{at: time.Now(), page: page, gateway: m.processes.Detail(), machine: sampling.ReadKernel(), netstat: netstat}, err
}

// tracked enters the number of connections that netfilter follows, if it can.
func (m *meter) tracked() error {
	if m.t.network.server == nil {
		return nil
	}
	return m.t.network.server.Do(func() error {
		text, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_count")
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		m.t.record.Lab["conntrack_entries"], err = strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		return err
	})
}

// readNetstat reads the counters of the network that a process is in. Both files have pairs of lines, one with the names and one with the values,
// which begin with the same word.
func readNetstat(pid int) (map[string]float64, error) {
	counters := map[string]float64{}
	for _, file := range []string{"snmp", "netstat"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, file))
		if err != nil {
			return nil, fmt.Errorf("read the kernel's counters: %w", err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		for i := 0; i+1 < len(lines); i += 2 {
			names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
			for j := 1; j < min(len(names), len(values)); j++ {
				if value, err := strconv.ParseFloat(values[j], 64); err == nil {
					counters[strings.TrimSuffix(names[0], ":")+"."+names[j]] = value
				}
			}
		}
	}
	return counters, nil
}
