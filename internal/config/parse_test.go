package config

import (
	"bytes"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// parse runs Parse and fails the test unless it gives a Config.
func parse(t *testing.T, args, environ []string) *Config {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cfg, code := Parse(args, &stdout, &stderr, environ)
	if cfg == nil || code != ExitOK || stdout.Len() > 0 || stderr.Len() > 0 {
		t.Fatalf("Parse(%q): got code %d, stdout %q, stderr %q, want a Config and silence", args, code, &stdout, &stderr)
	}
	return cfg
}

// refuse runs Parse and returns what it complains about, a line each.
func refuse(t *testing.T, args, environ []string) []string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cfg, code := Parse(args, &stdout, &stderr, environ)
	if cfg != nil || code != ExitUsage || stdout.Len() > 0 {
		t.Fatalf("Parse(%q): got %+v, code %d, stdout %q, want code %d", args, cfg, code, &stdout, ExitUsage)
	}
	lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	if len(lines) < 3 {
		t.Fatalf("Parse(%q): got %q, want a heading, problems and a hint", args, &stderr)
	}
	return lines[1 : len(lines)-1]
}

// file writes a YAML file and returns the flag that names it, and its path.
func file(t *testing.T, text string) (flag, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "--config=" + path, path
}

func TestDefaults(t *testing.T) {
	got := parse(t, nil, nil)
	want := &Config{
		Server: Server{IO: IOEpoll, Listen: ":8080", Admin: Admin{"127.0.0.1:9090"}, MaxConns: 120_000, Drain: 10 * time.Second},
		Feed:   Feed{Source: Source{Kind: FeedSim}, Interval: time.Second, Topic: "ticks", Symbols: 1, Seed: 1},
		Topics: Topics{Default: "ticks", Policy: PolicyLatest, Ring: 1024, RingBytes: 16 << 20, Bytes: 512 << 20, TTL: 24 * time.Hour, MaxMessage: 64 << 10},
		Bus:    Bus{DedupWindow: 2 * time.Minute, Sync: Sync{Every: time.Second}},
		Access: Access{Refresh: 10 * time.Minute, Claim: "tickgate"},
		Clients: Clients{
			Heartbeat: 30 * time.Second, HeaderTimeout: 5 * time.Second, HeaderBytes: 8 << 10,
			MaxInbound: 64 << 10, MaxInboundRate: 100, MaxInboundBytes: 256 << 10, MaxTopics: 64, HandshakeBacklog: 16384, WriteTimeout: 30 * time.Second,
		},
		Addresses: Addresses{ForwardedHeader: ForwardedFor},
		Sockets:   Sockets{SndBuf: 64 << 10, NotsentLowat: 16 << 10, UserTimeout: 30 * time.Second, Slice: 256},
		Log:       Log{Level: slog.LevelInfo, Format: LogText},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		args string
		got  func(*Config) any
		want any
	}{
		{"--listen=127.0.0.1:0", func(c *Config) any { return c.Server.Listen }, "127.0.0.1:0"},
		{"--listen [::1]:80", func(c *Config) any { return c.Server.Listen }, "[::1]:80"},
		{"--admin off", func(c *Config) any { return c.Server.Admin.Addr }, ""},
		{"--admin=", func(c *Config) any { return c.Server.Admin.Addr }, ""},
		{"--admin=localhost:1", func(c *Config) any { return c.Server.Admin.Addr }, "localhost:1"},
		{"--workers=4", func(c *Config) any { return c.Server.Workers }, Workers(4)},
		{"--workers=auto", func(c *Config) any { return c.Server.Workers }, AutoWorkers},
		{"--feed-seed -3", func(c *Config) any { return c.Feed.Seed }, int64(-3)},
		{"--loops=2", func(c *Config) any { return c.Server.Loops }, 2},
		{"--max-conns=1000000", func(c *Config) any { return c.Server.MaxConns }, 1_000_000},
		{"--drain=0", func(c *Config) any { return c.Server.Drain }, time.Duration(0)},
		{"--objective=400ms", func(c *Config) any { return c.Trace.Objective }, 400 * time.Millisecond},
		{"--flight-recorder=/var/tmp/f", func(c *Config) any { return c.Trace.FlightRecorder }, "/var/tmp/f"},
		{"--feed=replay:data/a:b.csv", func(c *Config) any { return c.Feed.Source }, Source{FeedReplay, "data/a:b.csv"}},
		{"--feed=stdin", func(c *Config) any { return c.Feed.Source }, Source{Kind: FeedStdin}},
		{"--feed=none", func(c *Config) any { return c.Feed.Source }, Source{Kind: FeedNone}},
		{"--feed-interval=10ms", func(c *Config) any { return c.Feed.Interval }, 10 * time.Millisecond},
		{"--feed-topic=price.ACME", func(c *Config) any { return c.Topics.Default }, "price.ACME"},
		{"--feed-topic=a --default-topic=b", func(c *Config) any { return c.Topics.Default }, "b"},
		{"--feed-topic=price.{sym}", func(c *Config) any { return c.Topics.Default }, "price.ACME"},
		{"--feed-topic=price.{sym} --feed-symbols=3", func(c *Config) any { return []any{c.Topics.Default, c.Feed.SymbolNames()} }, []any{"price.S0", []string{"S0", "S1", "S2"}}},
		{"--feed-topic=price.{sym} --feed=replay:a.csv --default-topic=price.A", func(c *Config) any { return c.Feed.MakesTopics() }, true},
		{"--feed-seed=-7", func(c *Config) any { return c.Feed.Seed }, int64(-7)},
		{"--payload-bytes=1KiB", func(c *Config) any { return c.Feed.PayloadBytes }, Size(1024)},
		{"--policy=all", func(c *Config) any { return c.Topics.Policy }, PolicyAll},
		{"--ring=1", func(c *Config) any { return c.Topics.Ring }, 1},
		{"--max-message=1MB", func(c *Config) any { return c.Topics.MaxMessage }, Size(1_000_000)},
		{"--data=/var/lib/tickgate", func(c *Config) any { return c.Bus.Data }, "/var/lib/tickgate"},
		{"--nats=a:4222,tls://b", func(c *Config) any { return c.Bus.URLs }, URLs{"nats://a:4222", "tls://b"}},
		{"--echo", func(c *Config) any { return c.Clients.Echo }, true},
		{"--echo=no", func(c *Config) any { return c.Clients.Echo }, false},
		{"--heartbeat=0", func(c *Config) any { return c.Clients.Heartbeat }, time.Duration(0)},
		{"--header-timeout=1m", func(c *Config) any { return c.Clients.HeaderTimeout }, time.Minute},
		{"--header-bytes=4096", func(c *Config) any { return c.Clients.HeaderBytes }, Size(4096)},
		{"--max-inbound=1MiB", func(c *Config) any { return c.Clients.MaxInbound }, Size(1 << 20)},
		{"--max-topics=9", func(c *Config) any { return c.Clients.MaxTopics }, 9},
		{"--handshake-backlog=9", func(c *Config) any { return c.Clients.HandshakeBacklog }, 9},
		{"--write-timeout=1s", func(c *Config) any { return c.Clients.WriteTimeout }, time.Second},
		{"--sndbuf=0", func(c *Config) any { return c.Sockets.SndBuf }, Size(0)},
		{"--notsent-lowat=4KiB", func(c *Config) any { return c.Sockets.NotsentLowat }, Size(4096)},
		{"--user-timeout=0", func(c *Config) any { return c.Sockets.UserTimeout }, time.Duration(0)},
		{"--slice=64", func(c *Config) any { return c.Sockets.Slice }, 64},
		{"--log-level=DEBUG", func(c *Config) any { return c.Log.Level }, slog.LevelDebug},
		{"--log-format=json", func(c *Config) any { return c.Log.Format }, LogJSON},
	} {
		if got := tt.got(parse(t, strings.Fields(tt.args), nil)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.args, got, tt.want)
		}
	}
}

func TestPrecedence(t *testing.T) {
	inFile, path := file(t, "feed-interval: 4s\nring: 4\nloops: 4\n")
	env := []string{"TICKGATE_FEED_INTERVAL=3s", "TICKGATE_RING=3", "RING=9"}
	cfg := parse(t, []string{inFile, "--feed-interval=2s"}, env)
	if got, want := cfg.Feed.Interval, 2*time.Second; got != want {
		t.Errorf("flag over environment: got %v, want %v", got, want)
	}
	if got, want := cfg.Topics.Ring, 3; got != want {
		t.Errorf("environment over file: got %v, want %v", got, want)
	}
	if got, want := cfg.Server.Loops, 4; got != want {
		t.Errorf("file over default: got %v, want %v", got, want)
	}
	if got := parse(t, nil, []string{"TICKGATE_CONFIG=" + path}).Server.Loops; got != 4 {
		t.Errorf("file named by the environment: got loops %d, want 4", got)
	}
	if got := parse(t, nil, []string{"TICKGATE_ADMIN="}).Server.Admin.Addr; got != "" {
		t.Errorf("empty variable: got admin %q, want none", got)
	}
}

func TestFile(t *testing.T) {
	inFile, _ := file(t, `
# every type of value
listen: 127.0.0.1:8081
admin: off
workers: 3
max-conns: 1_000_000
feed: replay:data/sp500-2000.csv
feed-interval: 250ms
payload-bytes: 1KiB
policy: all
nats: [nats://a:4222, nats://b:4222]
echo: yes
heartbeat: 0
data:
log-level: warn
`)
	got := parse(t, []string{inFile}, nil)
	want := parse(t, []string{
		inFile, "--listen=127.0.0.1:8081", "--admin=off", "--workers=3", "--max-conns=1000000",
		"--feed=replay:data/sp500-2000.csv", "--feed-interval=250ms", "--payload-bytes=1KiB", "--policy=all",
		"--nats=nats://a:4222,nats://b:4222", "--echo", "--heartbeat=0", "--log-level=warn",
	}, nil)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want as from flags\n%+v", got, want)
	}
	empty, _ := file(t, "# nothing set\n")
	if got := parse(t, []string{empty}, nil).Topics.Ring; got != 1024 {
		t.Errorf("empty file: got ring %d, want the default", got)
	}
}

// Everything wrong comes out of one run, with where it was set and what to do.
func TestAllProblemsAtOnce(t *testing.T) {
	inFile, path := file(t, "ring: 0\nfeed-intervall: 2s\nfeed:\n  kind: sim\n")
	got := refuse(t,
		[]string{
			inFile, "--listn", ":80", "-drain=3", "bogus", "--sndbuf=64Kx", "--loops", "--max-conns=many",
			"--nats=foo://u:secret@h:1", "--payload-bytes=1MiB", "--feed-topic=a..b", "--data=d",
		},
		[]string{"TICKGATE_HEARTBEAT=5ms", "TICKGATE_POLICY=newest"})
	want := []string{
		"  --listn: no such flag; did you mean --listen?",
		"  -drain=3: flags have two dashes; write --drain",
		"  bogus: unexpected argument; the gateway takes flags only",
		"  --sndbuf=64Kx: not a size; write bytes such as 4096, 64KiB or 1MB",
		"  --loops: needs a value; write --loops=N",
		"  --max-conns=many: not a whole number",
		"  --nats=foo://***@h:1: foo is not a scheme of NATS; write nats://host:4222, tls://host:4222 or several with commas between them",
		"  --feed (" + path + ":3): a mapping where a single value belongs; keys are flag names, such as feed-interval",
		"  --policy=newest (TICKGATE_POLICY): not a policy; write latest or all",
		"  feed-intervall (" + path + ":2): no such key; the nearest is feed-interval",
		"  --feed-topic=a..b: not a topic; write tokens without white space, * and > and with dots between them, such as price.ACME, at most 200 bytes of UTF-8",
		"  --ring=0 (" + path + ":1): out of range; use 1 to 1048576",
		"  --heartbeat=5ms (TICKGATE_HEARTBEAT): out of range; use 1s to 1h, or 0 for none",
		"  --payload-bytes=1MiB: more than --max-message (64KiB); lower it or raise --max-message",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestProblems(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"--listen=8080", "--listen=8080: not an address with a port"},
		{"--listen=:http", "the port is not a number"},
		{"--listen=:65536", "the port is not a number from 0 to 65535"},
		{"--admin=x", "--admin=x: not an address with a port; write 127.0.0.1:9090, or off"},
		{"--admin=:8080", "the same port as --listen"},
		{"--listen=127.0.0.1:9090", "the same port as --listen"},
		{"--workers=0", "write auto or a number from 1"},
		{"--workers=9 --max-conns=5", "more processes than --max-conns"},
		{"--max-conns=0", "use 1 to"},
		{"--drain=2h", "use 0s to 1h"},
		{"--objective=1us", "use 1ms to 24h, or 0 for none"},
		{"--drain=10", "not a duration; write 500ms, 10s or 2m"},
		{"--feed=replay", "no file to replay"},
		{"--feed=sim:x", "sim takes no file"},
		{"--feed=csv", "not a kind of feed"},
		{"--feed-interval=9ms", "use 10ms to 24h"},
		{"--feed-symbols=0", "use 1 to 1000000"},
		{"--feed-symbols=2 --feed=none", "only --feed=sim makes symbols up"},
		{"--feed=stdin --feed-topic=price.{sym}", "name one topic"},
		{"--feed=replay:a.csv --feed-topic=price.{sym}", "--default-topic"},
		{"--feed-seed=1.5", "not a whole number"},
		{"--default-topic=a.*", "not a topic"},
		{"--default-topic=" + strings.Repeat("x", 201), "not a topic"},
		{"--max-message=1GiB", "use 1B to 8MiB"},
		{"--nats=nats://:4222", "no host"},
		{"--nats=nats://h:99999", "port 99999 is not from 0 to 65535"},
		{"--nats=a --data=d", "not used with --nats"},
		{"--data=d --data-sync=1us", "use 100ms to 1h"},
		{"--data=d --data-sync=never", "neither always nor a duration"},
		{"--data-sync=always", "nothing to sync in memory"},
		{"--echo=perhaps", "neither true nor false"},
		{"--sndbuf=1", "use 4KiB to 64MiB"},
		{"--log-level=loud", "write debug, info, warn or error"},
		{"--log-format=xml", "write text or json"},
		{"--config=/does/not/exist.yaml", "no such file or directory; name a readable YAML file"},
		{"-x", "-x: no such flag"},
		{"--ring -3", "--ring=-3: out of range; use 1 to 1048576"},
		{"--ring 0", "--ring=0: out of range; use 1 to 1048576"},
		{"--drain -5s", "--drain=-5s: out of range; use 0s to 1h"},
		{"--rnig -3", "--rnig: no such flag; did you mean --ring?"},
		{"--echo -3", "-3: no such flag"},
		{"--", "unexpected argument"},
		{"- ", "-: unexpected argument"},
		{"--completely-unknown=1", "--completely-unknown=1: no such flag"},
	} {
		args := strings.Fields(tt.args)
		if tt.args == "--" {
			args = []string{"--", "x"}
		}
		got := refuse(t, args, nil)
		if len(got) != 1 || !strings.Contains(got[0], tt.want) {
			t.Errorf("%s: got %q, want one problem with %q", tt.args, got, tt.want)
		}
	}
}

func TestBadFiles(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"not YAML":  {"ring: [", "yaml:"},
		"no keys":   {"- a\n- b\n", "write lines such as 'feed-interval: 1s'"},
		"twice":     {"ring: 1\nring: 2\n", "already defined"},
		"config":    {"config: other.yaml\n", "no such key"},
		"wrong":     {"ring: many\n", ":1): not a whole number"},
		"fractions": {"loops: 1.5\n", "not a whole number"},
	} {
		inFile, _ := file(t, tt.text)
		got := refuse(t, []string{inFile}, nil)
		if !strings.Contains(strings.Join(got, "\n"), tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		args, env []string
		want      string
	}{
		{args: []string{"--admin=:9090"}, want: "--admin=:9090 is reachable from other machines"},
		{args: []string{"--notsent-lowat=128KiB"}, want: "no effect above --sndbuf=64KiB"},
		{args: []string{"--sndbuf=0"}, want: "megabytes of kernel memory"},
		{env: []string{"TICKGATE_FEED_INTERVL=1s"}, want: "did you mean TICKGATE_FEED_INTERVAL?"},
		{env: []string{"TICKGATE_PORT=tcp://10.0.0.1:80", "TICKGATE_SERVICE_HOST=10.0.0.1"}},
		{args: []string{"--admin=localhost:9090"}},
	} {
		got := strings.Join(parse(t, tt.args, tt.env).Warnings, "\n")
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%q %q: got warnings %q, want %q", tt.args, tt.env, got, tt.want)
		}
	}
}

func TestCommands(t *testing.T) {
	var doctor struct {
		Conns int  `default:"5"`
		JSON  bool `name:"json"`
	}
	commands := Commands{{Name: "doctor", Help: "Check the limits.", Flags: &doctor}, {Name: "version", Help: "Print it."}}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"--echo"}, ""},
		{[]string{"version"}, "version"},
		{[]string{"doctor", "--conns=7", "--ring=2"}, "doctor"},
		{[]string{"--ring", "2", "doctor", "--conns", "7", "--json"}, "doctor"},
	} {
		var stderr bytes.Buffer
		cfg, code := commands.Parse(tt.args, &stderr, &stderr, nil)
		if cfg == nil || cfg.Command != tt.want {
			t.Errorf("%q: got %+v, code %d, %s, want command %q", tt.args, cfg, code, &stderr, tt.want)
		}
		if tt.want == "doctor" && (doctor.Conns != 7 || cfg.Topics.Ring != 2) {
			t.Errorf("%q: got %+v, ring %d, want conns 7, ring 2", tt.args, doctor, cfg.Topics.Ring)
		}
	}
	var stderr bytes.Buffer
	if _, code := commands.Parse([]string{"doctr"}, &stderr, &stderr, nil); code != ExitUsage ||
		!strings.Contains(stderr.String(), "doctr: no such command; there are doctor, version") {
		t.Errorf("unknown command: got code %d, %q", code, &stderr)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("--listen=:1\n--echo", "ring: 4\nfeed: sim", "TICKGATE_LOOPS=1")
	f.Add("--sndbuf\n--\n-\n-x=\n--=\nx", "a: [b]", "TICKGATE_NATS=,,://@")
	f.Add("--nats=nats://u:p@h,x", "feed: {interval: 1}\n? [x]\n: y", "TICKGATE_X")
	f.Fuzz(func(t *testing.T, args, text, env string) {
		inFile, _ := file(t, text)
		var out bytes.Buffer
		cfg, code := Parse(append(strings.Split(args, "\n"), inFile), &out, &out, []string{env})
		switch {
		case cfg != nil && code == ExitOK && cfg.Check() == nil:
		case cfg == nil && (code == ExitUsage || code == ExitOK) && out.Len() > 0:
		default:
			t.Errorf("got %+v, code %d, output %q", cfg, code, &out)
		}
	})
}
