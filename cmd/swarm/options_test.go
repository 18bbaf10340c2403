package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tickgate/internal/load"
)

func TestParse(t *testing.T) {
	var stdout, stderr strings.Builder
	o, code := parse([]string{
		"--conns", "auto", "--mix=ws=1,sse=1", "--rate=0", "--ticks", "60", "--source", "127.0.0.2,127.0.0.3", "--no-reconnect",
		"--send", `a\n\\n`, "--header", "A: b, c", "--header", "D: e", "--assert", "p99<1s,loss=0", "--admin", "http://h:1",
		"--pid", "7,8", "--policy", "all", "http://127.0.0.1:8080",
	}, &stdout, &stderr)
	if code != exitOK || o == nil {
		t.Fatalf("got code %d\n%s", code, stderr.String())
	}
	c := &o.client
	if o.conns != 0 || o.ticks != 60 || o.hold != 0 || c.Mix != (load.Mix{1, 1}) || c.Rate != 0 || c.Policy != load.All {
		t.Errorf("got %+v", o)
	}
	if len(c.Sources) != 2 || !c.NoReconnect || c.Send != "a\n\\n" || len(c.Targets) != 2 || len(o.asserts) != 2 {
		t.Errorf("got %+v", o)
	}
	if want := []string{"A: b, c", "D: e"}; !slices.Equal(c.Headers, want) {
		t.Errorf("got headers %q, want %q", c.Headers, want)
	}
	if o.admin != "http://h:1/metrics" || !slices.Equal(o.pids, []int{7, 8}) || o.autoPIDs {
		t.Errorf("got admin %q, pids %v, %v", o.admin, o.pids, o.autoPIDs)
	}
}

func TestTicksAndHold(t *testing.T) {
	for args, want := range map[string]time.Duration{
		"http://h": time.Minute, "--ticks=5 http://h": 0, "--ticks=5 --hold=10s http://h": 10 * time.Second, "--hold=0s http://h": 0,
	} {
		o, code := parse(strings.Fields(args), &strings.Builder{}, &strings.Builder{})
		if code != exitOK || o.hold != want {
			t.Errorf("%s: got code %d, hold %v, want %v", args, code, o.hold, want)
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	args := []string{
		"--conns=many", "--mix=tcp=1", "--rate=fast", "--hold=soon", "--slow=-3", "--source=nowhere", "--header=x",
		"--assert=p99<5,speed>1,loss~0", "--admin=9090", "--pid=init", "--conections=5", "--timeout=-1s", "wss://h/ws", "127.0.0.1:80",
	}
	var stdout, stderr strings.Builder
	o, code := parse(args, &stdout, &stderr)
	if o != nil || code != exitUsage {
		t.Errorf("got code %d, want %d", code, exitUsage)
	}
	for _, want := range []string{
		`--conns: "many"`, `mix "tcp=1"`, `--rate: fast is not a number`, `--hold: soon is not a duration`, `--slow: -3 is negative`,
		`--source: "nowhere"`, `--header: "x"`, `assert "p99<5": "5" is not a duration`, `assert "speed>1": unknown name "speed"`,
		`assert "loss~0": no comparison`, `--admin: "9090" is not a URL`, `--pid: "init"`, `--conections=5: no such flag`,
		`--timeout: -1s`, `target "wss://h/ws": TLS is not supported yet`, `target "127.0.0.1:80": no scheme`,
	} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("the problems lack %q:\n%s", want, stderr.String())
		}
	}
	if stdout.Len() > 0 || strings.Contains(stderr.String(), "goroutine") {
		t.Errorf("got %q on standard output and\n%s", stdout.String(), stderr.String())
	}
}

func TestNoTarget(t *testing.T) {
	var stderr strings.Builder
	if o, code := parse(nil, &strings.Builder{}, &stderr); o != nil || code != exitUsage || !strings.Contains(stderr.String(), "no target") {
		t.Errorf("got code %d\n%s", code, stderr.String())
	}
}

func TestHelpAndVersion(t *testing.T) {
	for arg, want := range map[string]string{"--help": "Usage: swarm", "--version": "swarm " + version} {
		var stdout, stderr strings.Builder
		if o, code := parse([]string{arg}, &stdout, &stderr); o != nil || code != exitOK || !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: got code %d, %q, %q", arg, code, stdout.String(), stderr.String())
		}
	}
}

func TestObjectiveNeedsTheGateway(t *testing.T) {
	var stdout, stderr output
	if code := run(t.Context(), []string{"--objective", "1s", "http://127.0.0.1:1"}, &stdout, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "--admin") {
		t.Errorf("got exit code %d and %q, want %d and the flag that is missing", code, stderr.String(), exitUsage)
	}
}

func TestTopics(t *testing.T) {
	args := "--topics price.S{0..999},news --topics-per-client=2 --subscribe=command --subprotocol=tickgate.v1 --key-field=k http://h"
	o, code := parse(strings.Fields(args), &strings.Builder{}, &strings.Builder{})
	if code != exitOK {
		t.Fatalf("got code %d", code)
	}
	want := load.Subscription{Topics: []string{"price.S{0..999}", "news"}, PerClient: 2, ByCommand: true, KeyField: "k"}
	if got := o.client.Subscription; !slices.Equal(got.Topics, want.Topics) || got.PerClient != 2 || !got.ByCommand || got.KeyField != "k" {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for args, want := range map[string]string{
		"--topics a --topics-per-client=0 http://h":              "give 1 or more",
		"--topics a --topics-per-client=2 http://h":              "there are only 1",
		"--topics a.{1..x} http://h":                             "not a range",
		"--topics a --subscribe=command http://h":                "give --subprotocol tickgate.v1",
		"--subscribe=command --subprotocol=tickgate.v1 http://h": "and --topics",
		"--topics a http://h/sse?topic=b":                        "has topics of its own",
	} {
		var stderr strings.Builder
		if _, code := parse(strings.Fields(args), &strings.Builder{}, &stderr); code != exitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: got code %d and\n%s\nwant %q", args, code, stderr.String(), want)
		}
	}
}

func TestAbsence(t *testing.T) {
	args := "--conns=1000 --mix=sse=1 --away-clients=200 --away=20s --away-after=5s --rate=100 http://h"
	o, code := parse(strings.Fields(args), &strings.Builder{}, &strings.Builder{})
	want := load.Absence{Clients: 200, After: 5 * time.Second, For: 20 * time.Second, Rate: 100}
	if code != exitOK || o.client.Absence != want || o.hold != 27*time.Second+afterReturn {
		t.Errorf("got code %d, %+v, want %+v and time to catch up", code, o, want)
	}
	for args, want := range map[string]string{
		"--conns=10 --mix=sse=1 --away-clients=11 http://h":                    "11 clients of 10 cannot be away",
		"--mix=sse=1 --away-clients=10 --hold=40s http://h":                    "is over before",
		"--mix=sse=1 --away-clients=10 --no-reconnect http://h":                "nobody comes back",
		"--away-clients=10 http://h":                                           "no ids to come back with",
		"--away-clients=10 --away-rate=-1 --subprotocol=tickgate.v1 ws://h/ws": "--away-rate: -1 is negative",
	} {
		var stderr strings.Builder
		if _, code := parse(strings.Fields(args), &strings.Builder{}, &stderr); code != exitUsage || strings.Count(stderr.String(), "\n") != 3 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: got code %d and\n%s\nwant one problem, %q", args, code, stderr.String(), want)
		}
	}
}
