package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tickgate/internal/topic"
)

// Rules are settings of topics by pattern. The first rule that selects a topic counts.
type Rules []Rule

// Rule is what is different for the topics that a pattern selects.
type Rule struct {
	Pattern   string
	Policy    Policy         // "" for Topics.Policy
	Ring      int            // 0 for Topics.Ring
	RingBytes Size           // 0 for Topics.RingBytes
	TTL       *time.Duration // nil for Topics.TTL
	Publish   []string       // who may publish: names of publish keys and the names below; nil for everybody who may at all
}

// Names in Rule.Publish of those who are not known by a publish key.
const (
	PublishTokens    = "tokens"    // whoever has a token that grants the topic
	PublishAnonymous = "anonymous" // whoever needs neither key nor token: on a private listener without keys, or by --open-publish
	PublishNone      = "none"      // nobody: only the feed and NATS clients
)

const ruleForm = "write PATTERN policy=all ring=N ring-bytes=SIZE ttl=DURATION publish=KEY|tokens|anonymous|none with any of these settings, and commas between rules"

// UnmarshalText parses a comma-separated list of rules, each a pattern and settings with spaces between them:
// orders.* policy=all ring=10000,price.> ttl=1h.
func (r *Rules) UnmarshalText(text []byte) error {
	*r = nil
	for field := range strings.SplitSeq(string(text), ",") {
		words := strings.Fields(field)
		if len(words) == 0 {
			continue
		}
		rule, err := parseRule(words)
		if err != nil {
			return fmt.Errorf("%s: %w; %s", words[0], err, ruleForm)
		}
		*r = append(*r, rule)
	}
	return nil
}

func parseRule(words []string) (r Rule, err error) {
	if r.Pattern = words[0]; !topic.ValidPattern(r.Pattern) {
		return r, errors.New("not a pattern")
	}
	if len(words) == 1 {
		return r, errors.New("no settings")
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		if err := r.set(key, value); err != nil {
			return r, fmt.Errorf("%s: %w", word, err)
		}
	}
	return r, nil
}

func (r *Rule) set(key, value string) (err error) {
	switch key {
	case "policy":
		return r.Policy.UnmarshalText([]byte(value))
	case "ring":
		if r.Ring, err = strconv.Atoi(value); err != nil || r.Ring < 1 {
			return errors.New("not a number of messages from 1 up")
		}
	case "ring-bytes":
		if err := r.RingBytes.UnmarshalText([]byte(value)); err != nil || r.RingBytes < 1 {
			return errors.New("not a size from 1 byte up")
		}
	case "ttl":
		r.TTL = new(time.Duration)
		return setDuration(r.TTL, value)
	case "publish":
		r.Publish = strings.Split(value, "|")
		if slices.Contains(r.Publish, "") {
			return errors.New("not a list of names of publish keys")
		}
	default:
		return errors.New("no such setting")
	}
	return nil
}

// String is the form that UnmarshalText reads.
func (r Rules) String() string {
	rules := make([]string, len(r))
	for i, rule := range r {
		rules[i] = rule.String()
	}
	return strings.Join(rules, ",")
}

// String is the form that Rules.UnmarshalText reads.
func (r Rule) String() string {
	s := r.Pattern
	if r.Policy != "" {
		s += " policy=" + string(r.Policy)
	}
	if r.Ring != 0 {
		s += " ring=" + strconv.Itoa(r.Ring)
	}
	if r.RingBytes != 0 {
		s += " ring-bytes=" + r.RingBytes.String()
	}
	if r.TTL != nil {
		s += " ttl=" + short(*r.TTL)
	}
	if r.Publish != nil {
		s += " publish=" + strings.Join(r.Publish, "|")
	}
	return s
}

// For returns what holds for a topic: the settings of the first rule that selects it, and the common ones for what that
// rule leaves out. All fields are set, but for Pattern and Publish where no
// rule gives them.
func (t *Topics) For(name string) Rule {
	var r Rule
	for _, rule := range t.Rules {
		if topic.Match(rule.Pattern, name) {
			r = rule
			break
		}
	}
	if r.Policy == "" {
		r.Policy = t.Policy
	}
	if r.Ring == 0 {
		r.Ring = t.Ring
	}
	if r.RingBytes == 0 {
		r.RingBytes = t.RingBytes
	}
	if r.TTL == nil {
		r.TTL = &t.TTL
	}
	return r
}

// MayPublish reports whether the rules let somebody publish to a topic: the holder of the publish key of that name, or one of
// PublishTokens and PublishAnonymous. It is asked for each message.
func (t *Topics) MayPublish(name, who string) bool {
	if !slices.ContainsFunc(t.Rules, func(r Rule) bool { return r.Publish != nil }) {
		return true
	}
	for _, r := range t.Rules {
		if topic.Match(r.Pattern, name) {
			return r.Publish == nil || who != PublishNone && slices.Contains(r.Publish, who)
		}
	}
	return true
}

// check checks the ranges of every rule.
func (r Rules) check(p *Problems) {
	for _, rule := range r {
		setting := "--topic-rules " + rule.Pattern
		if rule.Ring != 0 {
			p.between(setting+" ring", rule.Ring, 1, maxRing)
		}
		if rule.RingBytes != 0 {
			p.sized(setting+" ring-bytes", rule.RingBytes, minRingBytes, maxRingBytes)
		}
		if rule.TTL != nil {
			p.offOrWithin(setting+" ttl", *rule.TTL, minTTL, maxTTL)
		}
	}
}

const (
	maxRing      = 1 << 20
	minRingBytes = 4 << 10
	maxRingBytes = 64 << 30
	// minTopicsBytes has room for a few of the largest messages in all formats.
	minTopicsBytes = 64 << 20

	minTTL = time.Second
	maxTTL = 10 * 365 * 24 * time.Hour
)
