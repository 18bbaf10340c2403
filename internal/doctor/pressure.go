package doctor

// Shares of the last minute, in percent, from where on a machine is not idle enough for the doctor's predictions.
const (
	busyCPU    = 20
	busyMemory = 1
	busyIO     = 20
)

// stall is one kind of pressure (PSI).
type stall struct {
	name   string
	avg60  float64
	most   float64
	worse  State // than OK, beyond most
	why    string
	breaks string
	change string
	myth   string
}

func (x *examination) memoryPressure() (Finding, bool) {
	return stall{
		name: "memory pressure", avg60: x.facts.MemoryPressure, most: busyMemory, worse: Slow,
		why:    "programs already wait for memory: what counts as available is not really free",
		breaks: "page faults stop event loops for milliseconds; the connections' memory makes it worse",
		change: "find who takes it: systemd-cgtop -m, or memory.pressure of each cgroup",
		myth:   "\"free is what counts\": cache is given back for nothing; waiting time says when it is not",
	}.finding()
}

func (x *examination) cpuPressure() (Finding, bool) {
	return stall{
		name: "CPU pressure", avg60: x.facts.CPUPressure, most: busyCPU, worse: Note,
		why:    "others use the processors already; the prediction counts on all of them",
		breaks: "messages come late before the predicted number is reached",
		change: "find who takes them: top, or cpu.pressure of each cgroup; then ask again",
		myth:   "\"load average says how busy it is\": it counts who runs or waits for a disk, not how long anybody waits",
	}.finding()
}

func (x *examination) ioPressure() (Finding, bool) {
	return stall{
		name: "I/O pressure", avg60: x.facts.IOPressure, most: busyIO, worse: Note,
		why:    "programs wait for disks; only --data needs one",
		breaks: "with --data, publishers wait for their acknowledgement; deliveries do not",
		change: "find who writes: iotop, or io.pressure of each cgroup",
		myth:   "\"push servers need fast disks\": without --data nothing is written",
	}.finding()
}

func (s stall) finding() (Finding, bool) {
	if s.avg60 == missing {
		return Finding{}, false
	}
	f := Finding{
		Name: s.name, State: OK, Now: words("%.1f %% of the last minute", s.avg60), Need: words("at most %.0f %%", s.most),
		Why: s.why, Breaks: s.breaks, Myth: s.myth,
	}
	if s.avg60 > s.most {
		f.State, f.Change = s.worse, s.change
	}
	return f, true
}
