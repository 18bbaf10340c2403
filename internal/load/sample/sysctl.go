package sample

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Sysctl is a kernel setting that a reader of a measurement must know: one that is not as the kernel sets it, or one whose default the kernel
// computes from the machine's memory, of which nobody can say whether somebody has changed it.
type Sysctl struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default string `json:"default,omitempty"` // the kernel's own; several where versions differ, with "or" between them
	Sized   bool   `json:"sized_by_memory,omitempty"`
}

// setting is a sysctl that is looked at, with its value in a kernel that nobody has configured. No defaults mean that the kernel computes it.
type setting struct {
	name     string
	defaults []string
}

// settings are those that change what many connections cost or how they fail. The values are from the kernel's Documentation/networking/ip-sysctl.rst,
// Documentation/admin-guide/sysctl and from kernels 5.15 to 6.18 that were asked; the newer value comes first where it has changed.
var settings = []setting{
	{"fs.aio-max-nr", []string{"65536"}},
	{"fs.epoll.max_user_watches", nil},
	{"fs.file-max", nil},
	{"fs.nr_open", []string{"1048576"}},
	{"kernel.numa_balancing", []string{"0", "1"}},
	{"kernel.sched_autogroup_enabled", []string{"1", "0"}},
	{"kernel.sched_rt_runtime_us", []string{"950000"}},
	{"kernel.threads-max", nil},
	{"net.core.busy_poll", []string{"0"}},
	{"net.core.busy_read", []string{"0"}},
	{"net.core.default_qdisc", []string{"pfifo_fast"}},
	{"net.core.dev_weight", []string{"64"}},
	{"net.core.netdev_budget", []string{"300"}},
	{"net.core.netdev_max_backlog", []string{"1000"}},
	{"net.core.optmem_max", []string{"131072", "20480"}},
	{"net.core.rmem_default", []string{"212992"}},
	{"net.core.rmem_max", []string{"4194304", "212992"}},
	{"net.core.rps_sock_flow_entries", []string{"0"}},
	{"net.core.somaxconn", []string{"4096"}},
	{"net.core.wmem_default", []string{"212992"}},
	{"net.core.wmem_max", []string{"4194304", "212992"}},
	{"net.ipv4.ip_local_port_range", []string{"32768 60999"}},
	{"net.ipv4.ip_local_reserved_ports", []string{""}},
	{"net.ipv4.ip_nonlocal_bind", []string{"0"}},
	{"net.ipv4.tcp_abort_on_overflow", []string{"0"}},
	{"net.ipv4.tcp_autocorking", []string{"1"}},
	{"net.ipv4.tcp_congestion_control", []string{"cubic"}},
	{"net.ipv4.tcp_ecn", []string{"2"}},
	{"net.ipv4.tcp_fastopen", []string{"1"}},
	{"net.ipv4.tcp_fin_timeout", []string{"60"}},
	{"net.ipv4.tcp_keepalive_intvl", []string{"75"}},
	{"net.ipv4.tcp_keepalive_probes", []string{"9"}},
	{"net.ipv4.tcp_keepalive_time", []string{"7200"}},
	{"net.ipv4.tcp_limit_output_bytes", []string{"4194304", "1048576"}},
	{"net.ipv4.tcp_max_orphans", nil},
	{"net.ipv4.tcp_max_syn_backlog", nil},
	{"net.ipv4.tcp_max_tw_buckets", nil},
	{"net.ipv4.tcp_mem", nil},
	{"net.ipv4.tcp_migrate_req", []string{"0"}},
	{"net.ipv4.tcp_moderate_rcvbuf", []string{"1"}},
	{"net.ipv4.tcp_mtu_probing", []string{"0"}},
	{"net.ipv4.tcp_no_metrics_save", []string{"0"}},
	{"net.ipv4.tcp_notsent_lowat", []string{"4294967295", "-1"}},
	{"net.ipv4.tcp_orphan_retries", []string{"0"}},
	{"net.ipv4.tcp_retries1", []string{"3"}},
	{"net.ipv4.tcp_retries2", []string{"15"}},
	{"net.ipv4.tcp_rmem", []string{"4096 131072 33554432", "4096 131072 6291456"}},
	{"net.ipv4.tcp_sack", []string{"1"}},
	{"net.ipv4.tcp_slow_start_after_idle", []string{"1"}},
	{"net.ipv4.tcp_syn_retries", []string{"6"}},
	{"net.ipv4.tcp_synack_retries", []string{"5"}},
	{"net.ipv4.tcp_syncookies", []string{"1"}},
	{"net.ipv4.tcp_timestamps", []string{"1"}},
	{"net.ipv4.tcp_tw_reuse", []string{"2"}},
	{"net.ipv4.tcp_window_scaling", []string{"1"}},
	{"net.ipv4.tcp_wmem", []string{"4096 16384 4194304"}},
	{"net.netfilter.nf_conntrack_max", nil},
	{"net.netfilter.nf_conntrack_tcp_timeout_established", []string{"432000"}},
	{"vm.compaction_proactiveness", []string{"20"}},
	{"vm.dirty_background_ratio", []string{"10"}},
	{"vm.dirty_ratio", []string{"20"}},
	{"vm.max_map_count", []string{"65530"}},
	{"vm.min_free_kbytes", nil},
	{"vm.overcommit_memory", []string{"0"}},
	{"vm.panic_on_oom", []string{"0"}},
	{"vm.swappiness", []string{"60"}},
	{"vm.vfs_cache_pressure", []string{"100"}},
	{"vm.watermark_scale_factor", []string{"10"}},
	{"vm.zone_reclaim_mode", []string{"0"}},
}

// readSysctls returns the settings below dir that are worth a word, and how many there were: a kernel need not have all of them.
func readSysctls(dir string) (list []Sysctl, watched int) {
	for _, s := range settings {
		text, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(s.name, ".", "/")))
		if err != nil {
			continue
		}
		watched++
		value := strings.Join(strings.Fields(string(text)), " ")
		if !slices.Contains(s.defaults, value) {
			list = append(list, Sysctl{Name: s.name, Value: value, Default: strings.Join(s.defaults, " or "), Sized: s.defaults == nil})
		}
	}
	return list, watched
}
