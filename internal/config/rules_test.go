package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRules(t *testing.T) {
	inFile, _ := file(t, "ring: 9\nttl: 2h\ntopic-rules:\n  - orders.* policy=all ring=100\n  - orders.> ttl=0\n  - price.A ring-bytes=1MiB ttl=1m publish=desk|tokens\n")
	cfg := parse(t, []string{inFile}, nil)
	hour, minute, forever := 2*time.Hour, time.Minute, time.Duration(0)
	for _, tt := range []struct {
		topic string
		want  Rule
	}{
		{"orders.1", Rule{"orders.*", PolicyAll, 100, 16 << 20, &hour, nil}}, // the first that selects it
		{"orders.1.x", Rule{"orders.>", PolicyLatest, 9, 16 << 20, &forever, nil}},
		{"price.A", Rule{"price.A", PolicyLatest, 9, 1 << 20, &minute, []string{"desk", PublishTokens}}},
		{"price.B", Rule{"", PolicyLatest, 9, 16 << 20, &hour, nil}},
	} {
		if got := cfg.Topics.For(tt.topic); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("For(%q): got %v, want %v", tt.topic, got, tt.want)
		}
	}
	var again Rules
	if err := again.UnmarshalText([]byte(cfg.Topics.Rules.String())); err != nil || !reflect.DeepEqual(again, cfg.Topics.Rules) {
		t.Errorf("rules read again: got %v, %v, want %v", again, err, cfg.Topics.Rules)
	}
}

func TestMayPublish(t *testing.T) {
	cfg := parse(t, []string{"--topic-rules=orders.* publish=desk|tokens,orders.> policy=all,secret.> publish=none,> publish=anonymous"}, nil)
	for _, tt := range []struct {
		topic, who string
		want       bool
	}{
		{"orders.1", "desk", true},
		{"orders.1", PublishTokens, true},
		{"orders.1", "other", false},
		{"orders.1", PublishAnonymous, false},
		{"orders.1.x", "other", true}, // its rule does not say
		{"secret.x", "desk", false},
		{"secret.x", PublishNone, false},
		{"price", PublishAnonymous, true},
		{"price", "desk", false},
	} {
		if got := cfg.Topics.MayPublish(tt.topic, tt.who); got != tt.want {
			t.Errorf("MayPublish(%q, %q): got %v, want %v", tt.topic, tt.who, got, tt.want)
		}
	}
	if cfg := parse(t, nil, nil); !cfg.Topics.MayPublish("t", PublishAnonymous) {
		t.Error("without rules: got no, want everybody")
	}
}

func TestBadRules(t *testing.T) {
	for _, tt := range []struct{ rules, want string }{
		{"a..b policy=all", "a..b: not a pattern"},
		{"a", "a: no settings"},
		{"a policy=some", "a: policy=some: not a policy"},
		{"a ring=0", "a: ring=0: not a number"},
		{"a ring-bytes=x", "a: ring-bytes=x: not a size"},
		{"a ttl=x", "a: ttl=x: not a duration"},
		{"b policy=all,a speed=1", "a: speed=1: no such setting"},
		{"a publish=", "a: publish=: not a list of names"},
		{"a publish=x||y", "a: publish=x||y: not a list of names"},
		{"a ring=2000000", "--topic-rules a ring=2000000: out of range"},
		{"a ring-bytes=1", "--topic-rules a ring-bytes=1B: out of range"},
		{"a ttl=1ms", "--topic-rules a ttl=1ms: out of range"},
	} {
		got := refuse(t, []string{"--topic-rules=" + tt.rules}, nil)
		if len(got) != 1 || !strings.Contains(got[0], tt.want) {
			t.Errorf("--topic-rules=%s: got %q, want one line with %q", tt.rules, got, tt.want)
		}
	}
}
