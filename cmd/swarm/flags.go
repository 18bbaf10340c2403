package main

import (
	"time"

	"github.com/alecthomas/kong"
)

// flags is the command line as kong sees it; options are what becomes of it.
type flags struct {
	URLs []string `arg:"" optional:"" name:"URL" help:"Targets: ws://HOST:PORT/PATH is a WebSocket, http://HOST:PORT/PATH an SSE stream, and http://HOST:PORT stands for tickgate's /ws and /sse, divided as --mix says. TLS is not supported yet."`

	Conns       string        `default:"1000" placeholder:"N" group:"crowd" help:"Clients to connect (default 1000), or auto: as many as this machine holds. Where N does not fit, what fits is taken, and the limit in the way is named."`
	Mix         string        `default:"ws=70,sse=30" group:"crowd" help:"Shares of the transports, where targets of both are given."`
	Rate        float64       `default:"10000" group:"crowd" help:"Connects per second; 0 is an unpaced storm."`
	Slow        int           `default:"0" placeholder:"N" group:"crowd" help:"Clients, of --conns, that stop reading once connected."`
	Churn       float64       `default:"0" placeholder:"N" group:"crowd" help:"Clients per second that leave and come back a second later."`
	AwayClients int           `default:"0" placeholder:"N" group:"crowd" help:"Clients that leave while holding, stay away for --away, and come back with the id of their last message. How the others fare meanwhile is reported apart."`
	Away        time.Duration `default:"30s" group:"crowd" help:"How long each of --away-clients stays away."`
	AwayAfter   time.Duration `default:"15s" group:"crowd" help:"How long after everybody is connected the first of them leaves."`
	AwayRate    float64       `default:"0" placeholder:"N" group:"crowd" help:"How many of them leave, and so come back, per second; 0 is as many as --rate."`

	Source    []string `placeholder:"ADDR" group:"crowd" help:"Addresses to connect from, in turn (28,232 ports each). Default: 127.8.0.1 and up for loopback targets, else the kernel's choice."`
	Reconnect bool     `default:"true" negatable:"" group:"crowd" help:"Come back after a disconnect: when the server says (close reason retry=, SSE retry, Retry-After), else after a growing pause."`
	Processes string   `default:"auto" placeholder:"N" group:"crowd" help:"Client processes; auto starts as many as the descriptor limit demands."`
	Loops     int      `default:"0" group:"crowd" help:"Event loops per process; 0 spreads one per processor over the processes, but with a --rate no more than one for 20,000 clients."`

	Hold        *time.Duration `placeholder:"1m" group:"time" help:"How long to measure once all are connected; 0 is until interrupted. Default 1m, or with --ticks no limit."`
	Ticks       int            `default:"0" placeholder:"N" group:"time" help:"Stop after N messages with different sequence numbers; of more than 256 --topics a part counts."`
	Settle      time.Duration  `default:"5s" group:"time" help:"How long clients may take at the end to reach the newest message."`
	Timeout     time.Duration  `default:"10s" group:"time" help:"For connect and handshake together."`
	RampTimeout time.Duration  `default:"0s" group:"time" help:"How long connecting everybody may take; 0 is twice what --rate needs and 30 s."`

	Topics          []string `placeholder:"T,…" group:"protocol" help:"Topics to subscribe to, by query; price.S{0..999} are a thousand. Loss is then judged by client and topic. Default: what the URL says, judged as one topic."`
	TopicsPerClient int      `default:"1" placeholder:"N" group:"protocol" help:"How many of --topics each client has; all topics get as many clients."`
	Subscribe       string   `default:"query" enum:"query,command" group:"protocol" help:"How WebSocket clients name --topics: in the query, or with a command of tickgate.v1."`
	KeyField        string   `placeholder:"NAME" group:"protocol" help:"JSON member that says which of --topics a message belongs to: the name, or what follows its last dot. Default sym; topic with tickgate.v1."`

	Send        string   `placeholder:"TEXT" group:"protocol" help:"Sent by every WebSocket client once connected; \\n, \\r, \\t and \\\\ are escapes."`
	Header      []string `sep:"none" placeholder:"H" group:"protocol" help:"'Name: value', added to every request; may be repeated."`
	Subprotocol string   `placeholder:"NAME" group:"protocol" help:"Sec-WebSocket-Protocol to ask for, such as tickgate.v1."`
	TSField     string   `name:"ts-field" default:"ts" group:"protocol" help:"JSON member with a message's intended time as Unix time in s, ms, µs or ns; a.b.c narrows it down."`
	SeqField    string   `default:"seq" group:"protocol" help:"JSON member with its sequence number, which grows by one from message to message."`
	IDField     string   `placeholder:"NAME" group:"protocol" help:"JSON member with the id a WebSocket client resumes with; default id with --subprotocol tickgate.v1, else none."`
	Policy      string   `default:"latest" enum:"latest,all" group:"protocol" help:"What the topic promises: latest may skip messages (reported as conflated), all may not (loss)."`
	MaxMessage  int64    `default:"1048576" group:"protocol" help:"Longest message in bytes."`
	RcvBuf      int      `name:"rcvbuf" default:"0" group:"protocol" help:"SO_RCVBUF of the clients in bytes; 0 leaves it to the kernel. Slow clients have 4 KiB."`

	Coalesce  time.Duration `default:"1ms" group:"report" help:"How long an event loop rests between rounds of messages for more to come. Halves the swarm's processor time and is part of every latency."`
	JSON      string        `name:"json" placeholder:"FILE" group:"report" help:"Write the report as JSON; - is standard output."`
	Report    string        `placeholder:"FILE" group:"report" help:"Write the report as an HTML page with pictures: one file that needs no network and has the JSON inside; - is standard output."`
	Assert    string        `placeholder:"CLAUSES" group:"report" help:"Conditions the report must meet, such as 'p99<900ms,loss=0,connected=100000'. Names: ${asserts}."`
	Admin     string        `placeholder:"URL" group:"report" help:"The gateway's private listener, such as http://127.0.0.1:9090: its metrics become part of the report."`
	Objective time.Duration `default:"0s" group:"report" help:"Delay of a tick's last delivery above which the report says who is to blame; needs --admin. 0 is half as much again as the run's median, and 50 ms at least."`
	PID       string        `name:"pid" placeholder:"P,Q" group:"report" help:"The server's processes, to be sampled with their children. Default: who listens on a loopback target's port; none samples nothing."`
	Progress  string        `default:"auto" enum:"auto,line,plain,off" group:"report" help:"line is one changing line, plain a line every 5 s, off nothing; auto is line on a terminal, else plain."`

	Version bool `group:"report" help:"Print the version."`
}

var groups = []kong.Group{
	{Key: "crowd", Title: "Who connects:"},
	{Key: "time", Title: "How long:"},
	{Key: "protocol", Title: "What they say and expect:"},
	{Key: "report", Title: "What is reported:"},
}
