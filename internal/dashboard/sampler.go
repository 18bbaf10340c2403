package dashboard

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	snapshot "tickgate/internal/metrics"
)

const (
	// sampleEvery is the time between two samples while a page is open.
	sampleEvery = time.Second
	// restEvery is that time while none is: waking every process costs more than its sample, and what happened can be seen later all the same.
	restEvery = 5 * time.Second
	// samplePatience is for processes whose loops are stuck: they answer within a second. A process that does not is shown as such.
	samplePatience = 1500 * time.Millisecond
)

// Answer is what one process said to a request.
type Answer struct {
	Worker string // 0, 1, … or supervisor
	Body   []byte // JSON
	Err    error  // why there is none
}

// sample is what all processes said at one moment.
type sample struct {
	Time      int64           `json:"time"` // Unix milliseconds
	Sockets   *sockets        `json:"sockets,omitempty"`
	Processes []processSample `json:"processes"`
}

// sockets is snapshot.Sockets in JSON.
type sockets struct {
	Memory   int64 `json:"memory"` // bytes
	InUse    int   `json:"inUse"`
	Orphan   int   `json:"orphan"`
	TimeWait int   `json:"timeWait"`
}

// processSample is a process with its numbers as it has written them, or with why there are none.
type processSample struct {
	Worker  string          `json:"worker"`
	Error   string          `json:"error,omitempty"`
	Numbers json.RawMessage `json:"numbers,omitempty"`
}

// sampling takes samples until ctx ends. A sample that takes longer than sampleEvery delays the next.
func (d *Dashboard) sampling(ctx context.Context) {
	ticks := time.NewTicker(sampleEvery)
	defer ticks.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticks.C:
			if d.streams.Load() == 0 && now.Sub(last) < restEvery-sampleEvery/2 {
				continue
			}
			d.takeSample(ctx, last, now)
			last = now
		}
	}
}

// takeSample asks everybody and adds the answers to the history.
func (d *Dashboard) takeSample(ctx context.Context, last, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, samplePatience)
	defer cancel()
	answers := d.config.Gather(ctx, ProcessPath+"?since="+strconv.FormatInt(last.UnixNano(), 10))
	s := sample{Time: milliseconds(now), Processes: make([]processSample, len(answers))}
	for i, a := range answers {
		s.Processes[i] = processSample{Worker: a.Worker, Numbers: a.Body}
		if a.Err != nil {
			s.Processes[i] = processSample{Worker: a.Worker, Error: a.Err.Error()}
		}
	}
	if tcp, err := snapshot.ReadSockets(d.config.ProcRoot); err == nil {
		s.Sockets = new(sockets(tcp))
	}
	data, err := json.Marshal(s)
	if err != nil {
		d.config.Log.Debug("sample for the dashboard", "error", err) // an answer that is not JSON, of another version's worker
		return
	}
	d.history.add(now, "sample", data)
}
