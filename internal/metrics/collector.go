package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collector turns a snapshot into constant metrics at each scrape.
type collector struct{ source func() Snapshot }

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	s := c.source()
	e := emitter{ch}
	if s.Clients != nil {
		e.clients(s.Clients)
	}
	if s.Fanout != nil {
		e.fanout(s.Fanout)
	}
	if s.Capacity > 0 {
		e.gauge(maxConnections, float64(s.Capacity))
	}
	if len(s.Loops) > 0 {
		e.loops(s.Loops)
	}
	if s.Feed != nil {
		e.feed(s.Feed)
	}
	if s.Bus != nil {
		e.bus(s.Bus)
	}
	if s.Tokens != nil {
		e.tokens(s.Tokens)
	}
	for _, w := range s.Workers {
		e.counter(workerRestarts, w.Restarts, w.Name)
	}
}

// emitter sends metrics to a scrape.
type emitter struct{ ch chan<- prometheus.Metric }

func (e emitter) clients(s *Clients) {
	for _, c := range s.Connections {
		e.gauge(connections, float64(c.N), c.Transport, c.State)
	}
	e.counter(accepts, s.Accepts)
	e.counts(acceptPauses, s.AcceptPauses)
	e.counts(refusals, s.Refusals)
	e.counter(badForwarded, s.BadForwarded)
	e.counter(uncounted, s.Uncounted)
	e.counts(handshakes, s.Handshakes)
	e.counts(closes, s.Closes)
	e.counts(commands, s.Commands)
	e.counts(commandErrors, s.CommandErrors)
}

func (e emitter) fanout(s *Fanout) {
	e.gauge(subscriptions, float64(s.Subscriptions))
	e.gauge(behind, float64(s.Behind))
	e.gauge(topics, float64(s.Topics))
	e.gauge(topicBytes, float64(s.TopicBytes))
	e.counter(evicted, s.Evicted)
	e.counter(messages, s.Messages)
	e.counter(deliveries, s.Deliveries)
	e.counts(skipped, s.Skipped)
	e.counter(paced, s.Paced)
	e.counts(conflated, s.Conflated)
	e.counter(overruns, s.Overruns)
	e.counter(overtaken, s.Overtaken)
	e.histogram(fanoutDuration, s.Duration)
	e.gauge(lagMessages, float64(s.LagMessages))
	e.gauge(lagSeconds, s.Lag.Seconds())
}

func (e emitter) tokens(s *Tokens) {
	e.counter(tokensAccepted, s.Accepted)
	e.counts(tokensRefused, s.Refused)
	e.gauge(tokensPending, float64(s.Pending))
	e.gauge(tokensCached, float64(s.Cached))
	e.counts(keyRefreshes, s.Refreshes)
}

func (e emitter) loops(loops []Loop) {
	var total Loop
	for i, l := range loops {
		name := strconv.Itoa(i)
		e.seconds(loopBusy, l.Busy.Seconds(), name)
		e.gauge(loopStuck, truth(l.Stuck), name)
		e.gauge(loopConnections, float64(l.Connections), name)
		total.BytesIn += l.BytesIn
		total.BytesOut += l.BytesOut
		total.PartialSends += l.PartialSends
		total.BlockedSends += l.BlockedSends
		total.BlockedConns += l.BlockedConns
		total.UnsentBytes += l.UnsentBytes
	}
	e.counter(receivedBytes, total.BytesIn)
	e.counter(sentBytes, total.BytesOut)
	e.counter(shortSends, total.PartialSends, "partial")
	e.counter(shortSends, total.BlockedSends, "blocked")
	e.gauge(blockedConnections, float64(total.BlockedConns))
	e.gauge(unsentBytes, float64(total.UnsentBytes))
}

func (e emitter) feed(s *Feed) {
	e.counter(feedTicks, s.Ticks)
	e.counter(feedLate, s.Late)
	e.counter(feedSkipped, s.Skipped)
}

func (e emitter) bus(s *Bus) {
	e.gauge(busUp, truth(s.Up))
	e.counter(busPublishes, s.Publishes)
	e.counts(busErrors, s.Errors)
	e.counter(busReceived, s.Received)
}

func (e emitter) counter(d *prometheus.Desc, n uint64, labels ...string) {
	e.seconds(d, float64(n), labels...)
}

// seconds emits a counter that is not a whole number.
func (e emitter) seconds(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func (e emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (e emitter) counts(d *prometheus.Desc, counts []Count) {
	for _, c := range counts {
		e.counter(d, c.N, c.Label)
	}
}

func (e emitter) histogram(d *prometheus.Desc, h Histogram) {
	cumulative := make(map[float64]uint64, len(h.Bounds))
	var total uint64
	for i, n := range h.Counts {
		total += n
		if i < len(h.Bounds) {
			cumulative[float64(h.Bounds[i])/float64(time.Second)] = total // Seconds() turns 1.6384 into 1.6383999999999999
		}
	}
	e.ch <- prometheus.MustNewConstHistogram(d, total, h.Sum.Seconds(), cumulative)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
