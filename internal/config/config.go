// Package config turns the gateway's command line, TICKGATE_ environment and YAML file into one
// checked Config. It knows what values mean and which go together; whether a file can be read, a
// port is free or a limit suffices is found out by the packages that use them.
package config

import (
	"log/slog"
	"time"
)

// Config is everything that can be set about a gateway. Parse fills it; afterwards it is read only
// and so safe for concurrent use. Every field is a flag, an environment variable and a YAML key of
// the same name: Feed.Interval is --feed-interval, TICKGATE_FEED_INTERVAL and feed-interval.
type Config struct {
	// Command is the sub-command asked for, "" to serve.
	Command string `kong:"-"`
	// Warnings are settings that work but are probably not meant, each one sentence to be logged.
	Warnings []string `kong:"-"`

	// File is the YAML file the other fields may come from. A flag or an environment variable
	// beats it.
	File string `name:"config" placeholder:"FILE" help:"YAML file with any of these settings, keyed by flag name without the dashes."`

	Server    Server    `embed:"" group:"server"`
	Feed      Feed      `embed:"" group:"feed"`
	Topics    Topics    `embed:"" group:"topics"`
	Bus       Bus       `embed:"" group:"bus"`
	Access    Access    `embed:"" group:"access"`
	Clients   Clients   `embed:"" group:"clients"`
	Addresses Addresses `embed:"" group:"addresses"`
	Sockets   Sockets   `embed:"" group:"sockets"`
	Trace     Trace     `embed:"" group:"trace"`
	Log       Log       `embed:"" group:"log"`
}

// Server holds the listeners and how many connections, processes and loops serve them.
type Server struct {
	// Listen is the public address for /ws and /sse, host:port. Default ":8080", all addresses.
	// Port 0 takes a free one.
	Listen string `default:":8080" placeholder:"ADDR" help:"Public address of /ws and /sse."`
	// Admin is the private address for metrics, health, pprof and publishing. Default
	// "127.0.0.1:9090"; Admin.Addr is "" when disabled. Danger: pprof stops the world and shows
	// memory, so beyond loopback it needs a firewall.
	Admin Admin `default:"127.0.0.1:9090" placeholder:"ADDR|off" help:"Private address of /metrics, /healthz, /readyz and /debug/pprof; 'off' disables it. Keep it on loopback or behind a firewall."`
	// PublishKeys is the file of keys that publishing takes, a line name:key for each, at least 20 bytes long, with patterns of
	// the topics that it grants behind it; without any it grants all. It is read again on SIGHUP. Default "",
	// none: everybody who reaches Admin publishes if that is on loopback, and nobody else. The keys themselves are no
	// setting, so that they stay out of the list of processes and of logs.
	PublishKeys string `placeholder:"FILE" help:"File of keys that publishing takes, a line 'name:key' for each ('openssl rand -hex 16' makes a key), or 'name:key price.* fx.>' to grant these topics only; read again on SIGHUP. Without it everybody publishes who reaches --admin on loopback, and nobody beyond."`
	// Workers is the number of worker processes. Default auto: one process, or as many as a low
	// descriptor limit demands for MaxConns.
	Workers Workers `default:"auto" placeholder:"auto|N" help:"Worker processes. 'auto' is a single process unless the descriptor limit is too low for --max-conns."`
	// Loops is the number of event loops in each process. Default 0: the CPUs that may be used,
	// divided among the processes, and at least one.
	Loops int `default:"0" placeholder:"N" help:"Event loops per process; 0 divides the usable CPUs among the processes, at least one each."`
	// IO is the I/O model that serves clients. Default epoll, tickgate's own event loops. The others, gnet's engine and
	// net/http with goroutines, are for comparison only: they know the default topic, the policy latest and nothing of
	// resuming.
	IO IO `name:"io" default:"epoll" placeholder:"epoll|gnet|goroutine" help:"I/O model. 'gnet' (its own engine) and 'goroutine' (net/http) are for comparison only."`
	// MaxConns bounds the open client connections of all processes together; with another I/O model than epoll, those
	// of each. Default 120,000:
	// 100,000 and a fifth to spare. More are refused with 503. Each costs a descriptor, some 300
	// bytes of user memory and 2 to 5 KiB of kernel memory.
	MaxConns int `default:"120000" placeholder:"N" help:"Client connections in all; more get 503. Each takes a descriptor. Several workers count together."`
	// Drain is the time over which connections are closed on SIGTERM. Default 10s; 0 closes them
	// at once and lets all clients come back in the same moment.
	Drain time.Duration `default:"10s" placeholder:"DURATION" help:"Time to spread the closes over on SIGTERM; 0 closes all at once."`
}

// Feed is where the gateway's own ticks come from.
type Feed struct {
	// Source is sim (seeded random walk), replay:FILE (CSV rows, in a loop), stdin (a payload per
	// line) or none. Default sim.
	Source Source `name:"feed" default:"sim" placeholder:"KIND" help:"Source of ticks: 'sim' (random walk), 'replay:FILE' (CSV, a row per tick), 'stdin' (a payload per line) or 'none'."`
	// Interval is the time from one tick to the next, at least 10ms; with several Symbols, of each
	// of them. Default 1s. Halving it doubles the CPU for deliveries.
	Interval time.Duration `name:"feed-interval" default:"1s" placeholder:"DURATION" help:"Time between ticks, at least 10ms; of each symbol, if there are several."`
	// Topic is what ticks are published to. SymbolPlaceholder in it stands for a tick's symbol, so
	// that each has its own topic. Default "ticks".
	Topic string `name:"feed-topic" default:"ticks" placeholder:"TOPIC" help:"Topic of the ticks; in price.{sym}, {sym} stands for a tick's symbol."`
	// Symbols is how many prices are simulated, each with a tick per Interval, all of them spread
	// evenly over it. Default 1: ACME. More are called S0, S1 and so on.
	Symbols int `name:"feed-symbols" default:"1" placeholder:"N" help:"Symbols of the simulation: ACME, or S0, S1 and so on. Each ticks once per --feed-interval, evenly spread."`
	// Seed makes the simulation reproducible: equal seeds, equal prices. Default 1.
	Seed int64 `name:"feed-seed" default:"1" placeholder:"N" help:"Seed of the simulation; equal seeds give equal prices."`
	// PayloadBytes pads ticks to this many bytes. Default 0, no padding. Ticks that are longer
	// stay as they are. Every client gets these bytes: 1 KiB at 100,000 clients is 0.8 Gbit/s
	// once a second.
	PayloadBytes Size `name:"payload-bytes" default:"0" placeholder:"SIZE" help:"Pad ticks to this size; 0 does not."`
}

// Topics is how messages are kept and what a client that fell behind gets.
type Topics struct {
	// Default is subscribed to by clients that name no topic. Parse sets it to
	// Feed.DefaultTopic if it was not given.
	Default string `name:"default-topic" placeholder:"TOPIC" help:"Topic of clients that name none (default the feed's)."`
	// Policy decides for clients that fell behind. Default latest: they skip to the newest message.
	// With all they get every message in order, or are closed with 4008 once the ring has overwritten
	// what they need.
	Policy Policy `default:"latest" placeholder:"latest|all" help:"What a slow client of a topic gets: the 'latest' message only, or 'all' of them until the ring overwrites them."`
	// Ring is the number of messages kept in memory per topic, for replay and for slow clients of
	// an all topic. Default 1024. A full ring holds Ring x message size, once per wire format in
	// use.
	Ring int `default:"1024" placeholder:"N" help:"Messages kept in memory per topic, for replay and slow clients."`
	// RingBytes bounds the payloads kept in memory per topic; the newest two are kept whatever their
	// size. Default 16 MiB.
	RingBytes Size `default:"16MiB" placeholder:"SIZE" help:"Payloads kept in memory per topic."`
	// Bytes bounds the memory of all topics together, in each process: messages, once more for each wire format in use, rings
	// and topics. Beyond it the oldest messages go, the newest one of a topic last. Default 512 MiB.
	Bytes Size `name:"topics-bytes" default:"512MiB" placeholder:"SIZE" help:"Memory of all topics together, in each process; beyond it the oldest messages go, the newest of each topic last."`
	// TTL is how long a message is kept in memory at most. Topics without messages and subscribers are
	// forgotten. Default 24h; 0 keeps messages until newer ones of their topic replace them. Danger: with
	// 0 a topic that was published to once stays until the restart.
	TTL time.Duration `name:"ttl" default:"24h" placeholder:"DURATION" help:"Time that a message is kept in memory; 0 keeps it until newer ones of its topic replace it."`
	// Rules are exceptions from Policy, Ring, RingBytes and TTL by pattern, and say who may publish. Default none. With the four
	// others they are read again on SIGHUP, if they come from File.
	Rules Rules `name:"topic-rules" placeholder:"RULE,..." help:"Other settings for the topics that a pattern selects, such as 'orders.* policy=all ring=10000 publish=desk,fx.> ttl=1h' (a list in YAML; also ring-bytes, and publish=KEY|tokens|anonymous|none for who may publish); the first rule that fits counts. SIGHUP reads --config again for these and the four settings above."`
	// MaxMessage bounds a published payload. Default 64 KiB.
	MaxMessage Size `name:"max-message" default:"64KiB" placeholder:"SIZE" help:"Largest payload that can be published."`
}

// Bus is where messages are ordered and stored: in this process unless URLs is set.
type Bus struct {
	// Data is the directory of the embedded store. Default "", in memory: messages survive a
	// client's reconnect but not a restart of the gateway.
	Data string `name:"data" placeholder:"DIR" help:"Keep messages in this directory so that they survive a restart (default in memory)."`
	// Sync is how often what was stored in Data is put on the disk with fsync. Whatever it is, what was
	// acknowledged to a publisher survives the death of the gateway; a power failure it survives from the
	// next fsync on. Sync.Always holds each acknowledgement back until then. Default 1s.
	Sync Sync `name:"data-sync" default:"1s" placeholder:"always|DURATION" help:"How often --data is put on the disk with fsync. What was acknowledged survives a crash of the gateway in any case, and a power failure after this time, or from the start with 'always', which acknowledges later."`
	// URLs are the servers of an external NATS cluster, used instead of the embedded one. They
	// may carry credentials: print them through URLs.String only.
	URLs URLs `name:"nats" placeholder:"URL,..." help:"Use this NATS cluster with JetStream instead of the embedded server, such as nats://host:4222."`
	// Creds is the file of a NATS user's JWT and seed. Default "", none.
	Creds string `name:"nats-creds" placeholder:"FILE" help:"Credentials file of the NATS user (JWT and seed, as nsc makes it). A user and password, or a token, may be part of the URL instead: keep that in TICKGATE_NATS, out of the list of processes."`
	// CA is the PEM file of the authorities that sign the servers' certificates. Default "": those that the
	// system trusts.
	CA string `name:"nats-tls-ca" placeholder:"FILE" help:"PEM file of the authorities that sign the NATS servers' certificates; demands TLS (default those that the system trusts, if the URL is tls://)."`
	// Cert and Key are the PEM files of the certificate that the gateway shows. Default "", none.
	Cert string `name:"nats-tls-cert" placeholder:"FILE" help:"PEM file of the certificate that NATS servers ask for."`
	Key  string `name:"nats-tls-key" placeholder:"FILE" help:"PEM file of the key of --nats-tls-cert."`
	// Replicas is the number of copies that a stream gets which the gateway makes. Default 0: three in a cluster
	// and one on a single server.
	Replicas int `name:"nats-replicas" default:"0" placeholder:"N" help:"NATS servers that keep a copy of the stream, if this gateway is the one to make it; 0 is 3 in a cluster and 1 on a single server. A stream that exists keeps its number."`
	// DedupWindow is how long message ids are remembered. Default 2m. Each id takes about 100 bytes of the server's
	// memory for that long: 50,000 a second and 2 minutes are 600 MB. With URLs every message has one.
	DedupWindow time.Duration `name:"dedup-window" default:"2m" placeholder:"DURATION" help:"How long a message id (Nats-Msg-Id) is remembered, so that it is stored once. Each takes about 100 bytes for that long: 1,000 a second and 2m are 12 MB, 50,000 are 600 MB. With --nats every message has one. A stream on --nats that exists keeps its window."`
}

// Clients bounds what one client can do and how long it may take.
type Clients struct {
	// Echo serves /echo, which conformance suites need. Default off.
	Echo bool `help:"Serve /echo, for WebSocket conformance suites."`
	// Compress lets WebSocket clients agree on permessage-deflate without context takeover: a message is compressed once for all of them.
	// Default off: it costs the clients time, and content that an attacker can choose must not share a message with secrets.
	Compress bool `help:"Compress messages for WebSocket clients that offer it (permessage-deflate), each once for all of them."`
	// Heartbeat is the idle time after which a client is sent a ping or an SSE comment. Default
	// 30s; 0 sends none, and clients that vanished stay until TCP notices.
	Heartbeat time.Duration `default:"30s" placeholder:"DURATION" help:"Ping or SSE comment after this idle time; 0 sends none."`
	// HeaderTimeout is how long a client may take to send its request head. Default 5s.
	HeaderTimeout time.Duration `default:"5s" placeholder:"DURATION" help:"Time for a client to send its whole request head."`
	// HeaderBytes bounds the request head; longer ones get 431. Default 8 KiB.
	HeaderBytes Size `default:"8KiB" placeholder:"SIZE" help:"Largest request head."`
	// MaxInbound bounds a WebSocket message from a client; longer ones are closed with 1009.
	// Default 64 KiB.
	MaxInbound Size `default:"64KiB" placeholder:"SIZE" help:"Largest WebSocket message accepted from a client."`
	// MaxInboundRate bounds the messages and control frames of a WebSocket client; one that sends more is closed with 1008. Five
	// seconds' worth may come at once. Default 100/s: clients of a push server answer pings and subscribe. 0 is no bound.
	MaxInboundRate Rate `default:"100/s" placeholder:"N/s" help:"WebSocket messages and control frames from one client a second, five times as many at once; more is closed with 1008. 0 is no bound."`
	// MaxInboundBytes bounds what a client sends, likewise. Default 256KiB/s.
	MaxInboundBytes ByteRate `default:"256KiB/s" placeholder:"SIZE/s" help:"Bytes from one client a second, five times as many at once; more is closed with 1008. 0 is no bound."`
	// MaxTopics bounds the topics and patterns that a connection may name; more get 400. Default 64. Each costs a
	// subscription of 28 bytes and a look at it for each message that the connection gets.
	MaxTopics int `default:"64" placeholder:"N" help:"Topics and patterns that one connection may subscribe to."`
	// HandshakeBacklog bounds the connections per event loop that have not sent their whole
	// request head yet. Default 16384, enough for a storm of reconnects; more wait in the kernel's
	// accept queue.
	HandshakeBacklog int `default:"16384" placeholder:"N" help:"Connections per event loop that may be without a complete request head; more wait in the kernel's queue."`
	// WriteTimeout is how long a client's socket may take no byte while messages wait for it;
	// then it is evicted with a reset, which frees the kernel's buffer at once. Default 30s; 0
	// never evicts.
	WriteTimeout time.Duration `default:"30s" placeholder:"DURATION" help:"Evict a client whose socket took nothing for this long while messages wait; 0 never does."`
}

// Sockets holds the kernel's options for client sockets and the share of a loop a fan-out may take.
type Sockets struct {
	// SndBuf is SO_SNDBUF, the kernel memory that a client which does not read can hold. Default
	// 64 KiB (the kernel doubles it for bookkeeping). 0 leaves it to the kernel, which lets one
	// sleeping client grow to 2.8 MB (measured).
	SndBuf Size `name:"sndbuf" default:"64KiB" placeholder:"SIZE" help:"SO_SNDBUF: kernel memory a client that does not read can hold; 0 leaves it to the kernel (megabytes)."`
	// NotsentLowat is TCP_NOTSENT_LOWAT: bytes the kernel takes beyond what it has sent, so that
	// messages go stale here, where they can be skipped, and not in its queue. Default 16 KiB; 0
	// leaves it to net.ipv4.tcp_notsent_lowat.
	NotsentLowat Size `name:"notsent-lowat" default:"16KiB" placeholder:"SIZE" help:"TCP_NOTSENT_LOWAT: unsent bytes the kernel may queue per client; 0 leaves it to the kernel."`
	// UserTimeout is TCP_USER_TIMEOUT: how long sent data may stay unacknowledged. Default 30s; 0
	// leaves it to the kernel, which gives up after some 15 minutes.
	UserTimeout time.Duration `default:"30s" placeholder:"DURATION" help:"TCP_USER_TIMEOUT: drop a client that acknowledges nothing for this long; 0 leaves it to the kernel (15 minutes)."`
	// KeepAlive is the idle time after which the kernel probes a client, five times a fifth of it apart. Default 0, off:
	// the heartbeat finds silent clients, and TCP_USER_TIMEOUT vanished ones.
	KeepAlive time.Duration `name:"keepalive" default:"0" placeholder:"DURATION" help:"TCP keepalive after this idle time; 0 sends none, the heartbeat does its work."`
	// Nagle leaves Nagle's algorithm on. Default off. Danger: it holds small messages back for up to a round trip.
	Nagle bool `help:"Leave Nagle's algorithm on (TCP_NODELAY off), to see what it does to latency."`
	// Backlog bounds the connections that wait to be accepted by one event loop. Default 0, net.core.somaxconn, which is
	// the upper bound in any case.
	Backlog int `default:"0" placeholder:"N" help:"Connections that may wait to be accepted by one event loop; 0 takes net.core.somaxconn, the upper bound."`
	// Slice is the number of sends after which a fan-out lets other events in. Default 256, some
	// 1.3 milliseconds at 5 microseconds a send. More is a little cheaper, and slower to answer.
	Slice int `default:"256" placeholder:"N" help:"Sends of a fan-out before the event loop looks at other events."`
}

// Trace is what is kept to explain late ticks.
type Trace struct {
	// FlightRecorder is the directory for execution traces of the seconds before a tick that missed the objective.
	// Default "", none. It takes some percent of the processor time and 16 MiB of memory per process.
	FlightRecorder string `placeholder:"DIR" help:"Record the Go runtime and write the last seconds to DIR when a tick misses --objective: at most one file a minute and ten per process, to be opened with 'go tool trace'."`
	// Objective is how long after its intended time a tick may leave for its last client. Default 0: FeedInterval, that
	// is before the next one.
	Objective time.Duration `default:"0" placeholder:"DURATION" help:"Time from a tick's intended time to its last send that --flight-recorder tolerates; 0 takes --feed-interval."`
}

// Log is what is logged to standard error and how.
type Log struct {
	// Level is the least severe level that is logged. Default info.
	Level slog.Level `name:"log-level" default:"info" placeholder:"LEVEL" help:"Least level to log: debug, info, warn or error."`
	// Format is text or json. Default text.
	Format LogFormat `name:"log-format" default:"text" placeholder:"text|json" help:"Format of the log."`
}
