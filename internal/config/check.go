package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tickgate/internal/topic"
)

// Check checks ranges and what does not go together, and returns Problems with everything it
// finds, or nil. Parse calls it; a Config made by other means should be checked before use.
func (c *Config) Check() error {
	var p Problems
	c.Server.check(&p)
	c.Feed.check(&p)
	c.Topics.check(&p)
	c.Bus.check(&p)
	c.Access.check(&p)
	c.Clients.check(&p)
	c.Addresses.check(&p)
	c.Sockets.check(&p)
	p.offOrWithin("--objective", c.Trace.Objective, time.Millisecond, 24*time.Hour)
	c.checkTogether(&p)
	if len(p) == 0 {
		return nil
	}
	return p
}

func (s *Server) check(p *Problems) {
	p.address("--listen", s.Listen, "write :8080 or 127.0.0.1:8080")
	if s.Admin.Addr != "" {
		p.address("--admin", s.Admin.Addr, "write 127.0.0.1:9090, or off for none")
	}
	p.between("--loops", s.Loops, 0, 1024)
	p.between("--max-conns", s.MaxConns, 1, 16_000_000)
	p.within("--drain", s.Drain, 0, time.Hour)
}

func (f *Feed) check(p *Problems) {
	p.within("--feed-interval", f.Interval, 10*time.Millisecond, 24*time.Hour)
	p.topic("--feed-topic", f.DefaultTopic())
	// A symbol takes some 500 bytes, most of them the state of its walk.
	p.between("--feed-symbols", f.Symbols, 1, 1_000_000)
	switch {
	case f.Symbols > 1 && f.Source.Kind != FeedSim:
		p.add("--feed-symbols", strconv.Itoa(f.Symbols), "only --feed=sim makes symbols up; leave it out")
	case f.MakesTopics() && f.Source.Kind != FeedSim && f.Source.Kind != FeedReplay:
		p.add("--feed-topic", f.Topic, "only the ticks of --feed=sim and replay have symbols; name one topic")
	}
}

func (t *Topics) check(p *Problems) {
	if t.Default != "" {
		p.topic("--default-topic", t.Default)
	}
	p.between("--ring", t.Ring, 1, maxRing)
	p.sized("--ring-bytes", t.RingBytes, minRingBytes, maxRingBytes)
	p.sized("--topics-bytes", t.Bytes, minTopicsBytes, maxRingBytes)
	p.offOrWithin("--ttl", t.TTL, minTTL, maxTTL)
	t.Rules.check(p)
	// NATS refuses payloads above its own limit, of which 8 MiB is the largest it recommends.
	p.sized("--max-message", t.MaxMessage, 1, 8<<20)
}

func (b *Bus) check(p *Problems) {
	if !b.Sync.Always {
		p.within("--data-sync", b.Sync.Every, 100*time.Millisecond, time.Hour)
	}
	p.between("--nats-replicas", b.Replicas, 0, 5) // JetStream's own bound
	// Less would not outlast the repetitions of a message that met an election of the stream's leader.
	p.within("--dedup-window", b.DedupWindow, 30*time.Second, 24*time.Hour)
	if (b.Cert == "") != (b.Key == "") {
		p.add("--nats-tls-cert", b.Cert, "a certificate and its key go together; name both --nats-tls-cert and --nats-tls-key")
	}
	b.checkExternal(p)
}

// checkExternal finds what has no meaning without an external system.
func (b *Bus) checkExternal(p *Problems) {
	if len(b.URLs) > 0 {
		return
	}
	for _, file := range [...]struct{ setting, name string }{
		{"--nats-creds", b.Creds}, {"--nats-tls-ca", b.CA}, {"--nats-tls-cert", b.Cert},
	} {
		if file.name != "" {
			p.add(file.setting, file.name, "it is for an external NATS; name its servers with --nats")
		}
	}
	if b.Replicas > 0 {
		p.add("--nats-replicas", strconv.Itoa(b.Replicas), "the embedded server is one alone; name a cluster with --nats")
	}
}

func (l *Clients) check(p *Problems) {
	p.offOrWithin("--heartbeat", l.Heartbeat, time.Second, time.Hour)
	p.within("--header-timeout", l.HeaderTimeout, 100*time.Millisecond, 10*time.Minute)
	p.sized("--header-bytes", l.HeaderBytes, 512, 1<<20)
	// A control frame's payload is up to 125 bytes (RFC 6455 section 5.5).
	p.sized("--max-inbound", l.MaxInbound, 125, 64<<20)
	p.between("--max-inbound-rate", int(l.MaxInboundRate), 0, 100_000)
	l.checkInboundBytes(p)
	p.between("--max-topics", l.MaxTopics, 1, 1<<16)
	p.between("--handshake-backlog", l.HandshakeBacklog, 1, 1<<20)
	p.offOrWithin("--write-timeout", l.WriteTimeout, time.Second, time.Hour)
}

// checkInboundBytes sees to it that the largest message is not too large for the rate.
func (l *Clients) checkInboundBytes(p *Problems) {
	const longest = 600 // seconds' worth of bytes in one message
	switch rate := l.MaxInboundBytes; {
	case rate == 0:
	case rate < 1<<10 || rate > 16<<30:
		p.add("--max-inbound-bytes", rate.String(), "out of range; use 1KiB/s to 16GiB/s, or 0 for none")
	case l.MaxInbound > longest*Size(rate):
		p.add("--max-inbound-bytes", rate.String(), fmt.Sprintf("a message of --max-inbound (%s) would take more than ten minutes; raise it, or lower --max-inbound", l.MaxInbound))
	}
}

func (s *Sockets) check(p *Problems) {
	if s.SndBuf != 0 {
		// The kernel raises anything below SOCK_MIN_SNDBUF/2 (2304 bytes) silently.
		p.sized("--sndbuf", s.SndBuf, 4<<10, 64<<20)
	}
	p.sized("--notsent-lowat", s.NotsentLowat, 0, 64<<20)
	p.offOrWithin("--user-timeout", s.UserTimeout, time.Second, time.Hour)
	p.offOrWithin("--keepalive", s.KeepAlive, time.Second, 24*time.Hour)
	p.between("--backlog", s.Backlog, 0, 1<<16-1) // Linux keeps it in 16 bits
	p.between("--slice", s.Slice, 1, 1<<16)
}

func (c *Config) checkTogether(p *Problems) {
	if c.Bus.Data != "" && len(c.Bus.URLs) > 0 {
		p.add("--data", c.Bus.Data, "the embedded store is not used with --nats; leave out one of the two")
	}
	if c.Bus.Sync.Always && c.Bus.Data == "" {
		p.add("--data-sync", c.Bus.Sync.String(), "there is nothing to sync in memory; name a directory with --data")
	}
	if c.Feed.PayloadBytes > c.Topics.MaxMessage {
		p.add("--payload-bytes", c.Feed.PayloadBytes.String(),
			fmt.Sprintf("more than --max-message (%s); lower it or raise --max-message", c.Topics.MaxMessage))
	}
	if c.Feed.MakesTopics() && c.Feed.Source.Kind == FeedReplay && c.Topics.Default == "" {
		p.add("--feed-topic", c.Feed.Topic, "the topics depend on the file; name one of them with --default-topic")
	}
	if workers := int(c.Server.Workers); workers > c.Server.MaxConns {
		p.add("--workers", strconv.Itoa(workers), "more processes than --max-conns connections; lower it")
	}
	if c.Server.IO != IOEpoll && (c.Clients.Echo || c.Clients.Compress || c.Topics.Policy != PolicyLatest) {
		p.add("--io", string(c.Server.IO), "only for comparison: --echo, --compress and --policy=all need --io=epoll")
	}
	if c.Server.IO != IOEpoll && (len(c.Access.Keys) > 0 || len(c.Access.Origins) > 0 || len(c.Access.OpenPublish) > 0) {
		p.add("--io", string(c.Server.IO), "only for comparison: --token-keys, --origins and --open-publish need --io=epoll")
	}
	if c.Server.IO != IOEpoll && (c.Addresses.Bound() || len(c.Addresses.TrustedProxies) > 0) {
		p.add("--io", string(c.Server.IO), "only for comparison: bounds on addresses and --trusted-proxies need --io=epoll")
	}
	if collide(c.Server.Listen, c.Server.Admin.Addr) {
		p.add("--admin", c.Server.Admin.Addr, "the same port as --listen; use another one, or off")
	}
}

// collide tells whether two addresses want the same port on the same interface.
func collide(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || anyHost(hostA) || anyHost(hostB)
}

func anyHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// warnings are settings that work and are seldom meant.
func (c *Config) warnings() []string {
	var w []string
	if c.Server.IO != IOEpoll {
		w = append(w, fmt.Sprintf("--io=%s is for comparison only, not for service", c.Server.IO))
	}
	if c.Server.PublishKeys != "" && c.Server.Admin.Addr == "" {
		w = append(w, fmt.Sprintf("--publish-keys=%s has no effect with --admin=off: there is nothing to publish through", c.Server.PublishKeys))
	}
	if host, _, err := net.SplitHostPort(c.Server.Admin.Addr); err == nil && !loopback(host) {
		w = append(w, fmt.Sprintf("--admin=%s is reachable from other machines: it shows memory through pprof and asks for a key for publishing only (--publish-keys); keep it behind a firewall", c.Server.Admin.Addr))
	}
	if s := c.Sockets; s.SndBuf != 0 && s.NotsentLowat > s.SndBuf {
		w = append(w, fmt.Sprintf("--notsent-lowat=%s has no effect above --sndbuf=%s", s.NotsentLowat, s.SndBuf))
	}
	w = append(w, c.Addresses.warnings()...)
	if c.Sockets.SndBuf == 0 {
		w = append(w, "--sndbuf=0 lets each client that does not read hold megabytes of kernel memory (2.8 MB measured)")
	}
	return w
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

func (p *Problems) add(setting, value, message string) {
	*p = append(*p, Problem{Setting: setting, Value: value, Message: message})
}

func (p *Problems) between(setting string, got, low, high int) {
	if got < low || got > high {
		p.add(setting, strconv.Itoa(got), fmt.Sprintf("out of range; use %d to %d", low, high))
	}
}

func (p *Problems) sized(setting string, got, low, high Size) {
	if got < low || got > high {
		p.add(setting, got.String(), fmt.Sprintf("out of range; use %s to %s", low, high))
	}
}

func (p *Problems) within(setting string, got, low, high time.Duration) {
	if got < low || got > high {
		p.add(setting, got.String(), fmt.Sprintf("out of range; use %s to %s", short(low), short(high)))
	}
}

func (p *Problems) offOrWithin(setting string, got, low, high time.Duration) {
	if got != 0 && (got < low || got > high) {
		p.add(setting, got.String(), fmt.Sprintf("out of range; use %s to %s, or 0 for none", short(low), short(high)))
	}
}

// short drops the zero minutes and seconds that Duration.String writes (1h0m0s).
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (p *Problems) address(setting, addr, remedy string) {
	_, port, err := net.SplitHostPort(addr)
	switch {
	case err != nil:
		p.add(setting, addr, "not an address with a port; "+remedy)
	case !validPort(port):
		p.add(setting, addr, "the port is not a number from 0 to 65535; "+remedy)
	}
}

func validPort(port string) bool {
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}

func (p *Problems) topic(setting, name string) {
	if !topic.Valid(name) {
		p.add(setting, name, fmt.Sprintf("not a topic; write tokens without white space, * and > and with dots between them, such as price.ACME, at most %d bytes of UTF-8", topic.MaxLen))
	}
}
