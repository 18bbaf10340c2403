package repo

// layer is a row of the table in design.md, section 2: what a package may import of this module, and why nothing else. Tests may import more;
// the rule is about what is shipped.
type layer struct {
	pkg string
	may []string
	why string // printed when any other import appears
}

// layers has a row for every package. A new package needs a row, and so a thought.
var layers = []layer{
	{"internal/epoll", nil, "the event loops carry any protocol and any owner's state; what bytes mean is decided above them"},
	{"internal/wire", nil, "pure functions on bytes can be fuzzed and used by both sides only while they know nobody"},
	{"internal/envelope", []string{"internal/wire"}, "commands and answers are functions of bytes; what a command does is decided by those who hold connections"},
	{"internal/topic", nil, "topics and patterns are compared as text; everybody else asks here"},
	{"internal/bus", []string{"internal/topic"}, "where messages come from must not depend on who gets them"},
	{"internal/feed", nil, "a feed calls the function it was given; who publishes and who listens is none of its business"},
	{"internal/auth/keyset", nil, "signatures are verified whatever the tokens say"},
	{"internal/auth", []string{"internal/wire", "internal/auth/keyset", "internal/topic"}, "permissions are a function of a request's token and a topic; who is connected, and where settings come from, is decided above"},
	{"internal/auth/tokentest", nil, "a signer for tests that shared code with the verifier would share its mistakes"},
	{"internal/trial", nil, "tests about time are repeated whatever they test; no program imports it"},
	{"internal/ticklog", nil, "it is told of what happens by those it happens to; what that means is decided by readers"},
	{"internal/flight", nil, "the runtime is recorded whatever runs in it"},
	{"internal/metrics", nil, "it is handed snapshots; importing their makers would tie every package to Prometheus"},
	{"internal/interrupt", nil, "every program ends in the same way"},
	{"internal/prefork", nil, "processes are supervised whatever runs in them: the gateway's workers and the swarm's clients alike"},
	{"internal/forwarded", nil, "what proxies claim is read from bytes; whom to believe is decided by the caller"},
	{"internal/quota", nil, "a number that processes share is a number; what it counts is the caller's"},
	{"internal/buildinfo", nil, "every program has a version"},
	{"internal/limits", nil, "limits are read from the kernel and compared with numbers that the caller brings"},
	{"internal/config", []string{"internal/topic"}, "it knows what values mean; whether they work is found out by the packages that use them"},
	{"internal/hub", []string{"internal/envelope", "internal/topic", "internal/wire"}, "the hub encodes, and otherwise knows neither sockets, sessions, the bus nor metrics"},
	{"internal/session", []string{"internal/epoll", "internal/wire", "internal/envelope", "internal/forwarded", "internal/hub", "internal/auth", "internal/topic"}, "a session sits between loops and hub; where messages come from and how it was configured is not its concern"},
	{"internal/publish", []string{"internal/bus", "internal/envelope"}, "publishers reach the stream and nothing behind it; who may is told by an interface"},
	{"internal/admin", []string{"internal/hub", "internal/bus"}, "the private listener shows and publishes; it reaches no connection, and metrics come as an http.Handler"},
	{"internal/dashboard", []string{"internal/metrics", "internal/ticklog", "internal/wire"}, "the page shows the snapshots that the metrics page shows; how processes are asked is told by a function"},
	{"scripts/rivals/publisher", nil, "it publishes to servers that are not ours"},
	{"internal/plot", nil, "axes and paths are arithmetic; what they show is their callers'"},
	{"internal/load", []string{"internal/epoll", "internal/wire"}, "the swarm is a black-box client: what it shares with the gateway's inside could hide the gateway's mistakes from it"},
	{"internal/load/sample", nil, "prices are read from /proc and a metrics page of any server, and so without knowing ours"},
	{"internal/load/cost", nil, "slopes are functions of samples, whoever took them"},
	{"internal/load/blame", nil, "a verdict is a function of two records; who read them, and from where, is none of its business"},
	{"internal/load/report", []string{"internal/load", "internal/load/blame", "internal/load/cost", "internal/load/sample"}, "a report is made of what was measured, and of nothing else"},
	{"internal/load/cost/planner", []string{"internal/limits", "internal/load/cost", "internal/load/report"}, "a plan is made of a report and of this machine's limits; nothing is measured for it"},
	{"internal/load/compare", []string{"internal/load/cost", "internal/load/report"}, "a comparison is made of two reports, so that it can be made of old ones"},
	{"internal/load/page", []string{"internal/load/blame", "internal/load/cost", "internal/load/report", "internal/plot"}, "a page shows a report and computes nothing that the report does not say"},
	{"internal/iomodel", []string{"internal/hub", "internal/wire"}, "the compared I/O models share the hub and the wire format with the loops and nothing else, or the comparison would be of parts of the same thing"},
	{"internal/doctor", []string{"internal/limits"}, "the doctor asks the machine, and works where no gateway can run"},
	{"internal/epoll/floor", nil, "the floor is the least that a server can do; anything of ours would raise it"},
	{"internal/epoll/cmd/floor", []string{"internal/epoll/floor"}, "the floor as a process of its own, and nothing more"},
	{"internal/lab/infer", nil, "statistics are functions of numbers"},
	{"internal/lab/netns", nil, "network namespaces are the kernel's"},
	{"internal/lab/sysctl", nil, "kernel settings are files with numbers in them"},
	{"internal/lab/undo", []string{"internal/lab/sysctl"}, "what is undone must not depend on what was tried"},
	{"internal/lab", []string{"internal/lab/infer", "internal/lab/sysctl", "internal/lab/undo", "internal/load/sample"}, "experiments run the binaries that users run, from outside"},
	{"internal/lab/bench", []string{"internal/lab", "internal/lab/netns", "internal/lab/sysctl", "internal/lab/undo", "internal/load/sample"}, "experiments run the binaries that users run, from outside"},
	{"internal/lab/bench/benchtest", nil, "stand-ins for the programs that the lab runs"},
	{"internal/lab/report", []string{"internal/lab", "internal/lab/infer", "internal/lab/undo", "internal/plot"}, "a report is made of stored runs, so that it can be made again later"},
	{"cmd/gateway", []string{
		"internal/admin", "internal/auth", "internal/auth/keyset", "internal/buildinfo", "internal/bus", "internal/config", "internal/dashboard", "internal/doctor", "internal/envelope", "internal/epoll", "internal/feed", "internal/flight", "internal/forwarded",
		"internal/hub", "internal/interrupt", "internal/iomodel", "internal/limits", "internal/metrics", "internal/prefork", "internal/publish", "internal/quota", "internal/session", "internal/ticklog", "internal/topic", "internal/wire",
	}, "the gateway wires everything but the load generator"},
	{"cmd/swarm", []string{"internal/buildinfo", "internal/interrupt", "internal/load", "internal/load/blame", "internal/load/compare", "internal/load/cost", "internal/load/cost/planner", "internal/load/page", "internal/load/sample", "internal/load/report", "internal/limits", "internal/prefork"}, "the swarm is a client, and works against servers that are not ours"},
	{"cmd/lab", []string{
		"internal/buildinfo", "internal/lab", "internal/lab/bench", "internal/lab/infer", "internal/lab/netns", "internal/lab/report", "internal/lab/sysctl", "internal/lab/undo",
	}, "the lab runs gateway and swarm as processes, as their users do"},
	{"tuning", nil, "its files are for the kernel and systemd; its tests read them as text"},
	{"test/browser", nil, "a browser is driven whatever it shows"},
	{"scripts/screenshots", []string{"test/browser"}, "pictures are taken of a gateway that runs, from outside"},
	{"examples/go/subscribe", nil, "users copy it; what they cannot import it does without"},
	{"examples/go/publish", nil, "users copy it; what they cannot import it does without"},
	{"test/e2e", nil, "these tests see only what a user sees"},
	{"test/repo", nil, "rules over the sources read them as text"},
}

// edges are single directions that somebody will want one day; each with the reason against it that the row does not give.
var edges = []struct{ from, to, why string }{
	{"internal/epoll", "internal/hub", "a loop that knew messages could not run the swarm's clients"},
	{"internal/epoll", "internal/wire", "parsing in the loop would put protocol state below the session"},
	{"internal/epoll", "internal/metrics", "loops count in plain fields and hand out snapshots: no WithLabelValues for a delivery"},
	{"internal/hub", "internal/epoll", "nothing above the loops knows what a socket is"},
	{"internal/hub", "internal/session", "data flows one way: the hub tells a Reader that there is news"},
	{"internal/hub", "internal/bus", "nothing below the bus knows where a message came from; tests publish without NATS"},
	{"internal/hub", "internal/metrics", "the hub counts; who shows the counts is decided in cmd/gateway"},
	{"internal/wire", "internal/hub", "encoders are handed ids and payloads, so that the client side needs no hub"},
	{"internal/session", "internal/bus", "what a client sends reaches the bus through the hub's and auth's interfaces, or a worker would need a bus of its own to be tested"},
	{"internal/session", "internal/metrics", "sessions count by typed reason; label values are made at scrape time"},
	{"internal/session", "internal/config", "a session's settings are a struct of its own, so that tests and other front ends need no flags"},
	{"internal/load", "internal/session", "client and server halves sharing a state machine would agree on the same mistake"},
	{"internal/load", "internal/hub", "the swarm checks what the hub promises; it must not ask the hub"},
	{"internal/admin", "internal/session", "the private listener must answer while the loops are busy or broken"},
	{"internal/admin", "internal/metrics", "admin takes an http.Handler, so that it can be tested without a registry"},
	{"internal/metrics", "internal/hub", "snapshots are metrics' own structs; the wiring copies the numbers"},
	{"internal/config", "internal/limits", "config is about what was asked for, limits about what the machine gives; cmd/gateway compares them"},
	{"cmd/swarm", "internal/hub", "the swarm is a client, and works against servers that are not ours"},
	{"cmd/swarm", "internal/session", "the swarm is a client, and works against servers that are not ours"},
	{"cmd/gateway", "internal/load", "a server binary ships no load generator"},
	{"internal/iomodel", "internal/epoll", "a compared model that used our loops would compare them with themselves"},
	{"internal/lab", "internal/load", "the lab reads the swarm's report; it must not be able to make one up"},
}

// owners names the only packages that may import a third-party module, by prefix of the import path. Tests outside internal/ are free to use
// real clients; what only one package may know even in tests is marked.
var owners = []struct {
	prefix string
	pkgs   []string
	tests  bool // the rule holds for test files too
	why    string
}{
	{"github.com/prometheus/client_golang", []string{"internal/metrics"}, true, "only internal/metrics knows Prometheus; everybody else counts in plain fields"},
	{"github.com/panjf2000/gnet/v2/pkg/netpoll", []string{"internal/epoll"}, true, "only internal/epoll touches the poller: one owner goroutine per loop is its contract"},
	{"github.com/panjf2000/gnet/v2/pkg/socket", []string{"internal/epoll"}, true, "only internal/epoll opens sockets for the loops"},
	{"github.com/panjf2000/gnet", []string{"internal/epoll", "internal/iomodel"}, false, "gnet's parts are an implementation detail of internal/epoll; its engine is only there to be compared"},
	{"github.com/nats-io", []string{"internal/bus"}, false, "that the bus is NATS JetStream is known to internal/bus alone"},
	{"github.com/pires/go-proxyproto", []string{"internal/forwarded"}, false, "PROXY headers are read in one place, in pieces and within bounds"},
	{"github.com/go-jose", []string{"internal/auth", "internal/auth/keyset"}, false, "tokens are verified in one place, where a key's type decides the algorithm"},
	{"github.com/gobwas/ws", []string{"internal/wire", "internal/iomodel"}, false, "gobwas/ws has known gaps that internal/wire closes; used directly they are open again"},
	{"github.com/alecthomas/kong", []string{"internal/config", "cmd/swarm", "cmd/lab"}, false, "flags are parsed in one place for each program"},
	{"github.com/HdrHistogram", []string{"internal/load", "internal/load/report"}, false, "latencies are measured by the swarm, from outside"},
	{"github.com/google/pprof", []string{"internal/admin"}, false, "profiles are merged where they are served"},
	{"github.com/coder/websocket", []string{"examples/go/subscribe", "examples/go/publish"}, false, "a client for tests and examples; the product speaks through internal/wire"},
	{"github.com/gorilla/websocket", nil, false, "a client for tests; the product speaks through internal/wire"},
}

// pure are standard packages that a package does without, because of what it promises.
var pure = []struct {
	pkg     string
	without []string
	why     string
}{
	{"internal/envelope", []string{"net", "net/http", "os", "syscall", "io/fs", "log", "log/slog", "context"}, "commands are pure functions on bytes, and fuzzed as such"},
	{"internal/wire", []string{"net", "net/http", "os", "syscall", "io/fs", "log", "log/slog", "context"}, "wire is pure functions on bytes: no I/O, nothing to wait for"},
	{"internal/hub", []string{"net", "net/http", "os", "syscall"}, "the hub knows no sockets"},
	{"internal/epoll", []string{"net/http", "encoding/json"}, "the loops know no protocol"},
}
