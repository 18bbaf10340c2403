package load

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Subscription is what clients subscribe to, if that is not left to their target's URL.
type Subscription struct {
	// Topics are names. A range in braces stands for every number in it: price.S{0..999} are a thousand topics. None
	// leaves topics to the target's URL, whose messages are then judged as those of one topic.
	Topics []string
	// PerClient is how many of them each client has, default 1. All topics have as many clients, but for one, and which
	// topics come together changes from client to client.
	PerClient int
	// ByCommand subscribes with a command of the subprotocol tickgate.v1 instead of the query. Event streams have no
	// commands and keep the query.
	ByCommand bool
	// KeyField is the dotted path of the member that says whose a message is: with a topic's whole name, or with what
	// follows its last dot. Default: sym, and topic in the messages of tickgate.v1.
	KeyField string
}

// maxTopics bounds the topics of a swarm: each process remembers the newest message of every one.
const maxTopics = 1_000_000

// Names returns all topics, or an error that names what is wrong with them.
func (s *Subscription) Names() ([]string, error) {
	var names []string
	for _, pattern := range s.Topics {
		more, err := expand(pattern)
		if err != nil {
			return nil, err
		}
		if names = append(names, more...); len(names) > maxTopics {
			return nil, fmt.Errorf("topics %q: more than %d; make the range smaller", pattern, maxTopics)
		}
	}
	if s.PerClient > max(len(names), 1) {
		return nil, fmt.Errorf("%d topics per client: there are only %d", s.PerClient, len(names))
	}
	return names, nil
}

// expand returns the names that a pattern stands for.
func expand(pattern string) ([]string, error) {
	head, rest, ranged := strings.Cut(pattern, "{")
	if pattern == "" || strings.ContainsAny(pattern, "*>") {
		return nil, fmt.Errorf("topic %q: name one topic, or a range such as price.S{0..999}", pattern)
	}
	if !ranged {
		return []string{pattern}, nil
	}
	numbers, tail, closed := strings.Cut(rest, "}")
	from, to, dots := strings.Cut(numbers, "..")
	first, err1 := strconv.ParseUint(from, 10, 31)
	last, err2 := strconv.ParseUint(to, 10, 31)
	if !closed || !dots || err1 != nil || err2 != nil || last < first || strings.ContainsAny(tail, "{}") {
		return nil, fmt.Errorf("topic %q: not a range; write price.S{0..999}", pattern)
	}
	if last-first >= maxTopics {
		return nil, fmt.Errorf("topics %q: more than %d; make the range smaller", pattern, maxTopics)
	}
	names := make([]string, 0, last-first+1)
	for n := first; n <= last; n++ {
		names = append(names, head+strconv.FormatUint(n, 10)+tail)
	}
	return names, nil
}

// topics says which client has which of several topics. Immutable, shared by the loops of an engine.
//
// The names are cut into as many parts as a client has topics, and each client takes one of every part. In part k it
// moves on by k+1 when all names of the part have been taken once, so that pairs do not repeat, and each topic gets clients
// of all transports.
type topics struct {
	names []string
	each  int
	byKey map[string]uint32
}

// newTopics returns nil if there are no topics to tell apart.
func newTopics(s *Subscription) (*topics, error) {
	names, err := s.Names()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	t := &topics{names: names, each: max(s.PerClient, 1), byKey: make(map[string]uint32, 2*len(names))}
	shared := make(map[string]bool)
	for i, name := range names {
		last := name[strings.LastIndexByte(name, '.')+1:]
		if _, taken := t.byKey[last]; taken {
			shared[last] = true
		}
		t.byKey[last] = uint32(i)
	}
	for last := range shared {
		delete(t.byKey, last) // it is nobody's: messages must give the whole name
	}
	for i, name := range names {
		t.byKey[name] = uint32(i)
	}
	return t, nil
}

// count returns the number of topics, 1 if they are not told apart.
func (t *topics) count() int {
	if t == nil {
		return 1
	}
	return len(t.names)
}

// perClient returns how many of them each client has.
func (t *topics) perClient() int {
	if t == nil {
		return 1
	}
	return t.each
}

// of returns which topic client i has as its k-th.
func (t *topics) of(i, k int) int {
	if t == nil {
		return 0
	}
	from, size := t.part(k)
	return from + (i+(k+1)*(i/size))%size
}

// part returns the first topic of part k, and how many there are.
func (t *topics) part(k int) (from, size int) {
	n := len(t.names)
	from = k * n / t.each
	return from, (k+1)*n/t.each - from
}

// place returns as which of its topics client i has a topic, if it has it.
func (t *topics) place(i, topic int) (k int, ok bool) {
	if t == nil {
		return 0, true
	}
	n := len(t.names)
	if topic >= n {
		return 0, false
	}
	k = ((topic+1)*t.each - 1) / n // the part that the topic is in
	return k, t.of(i, k) == topic
}

// find returns the topic that a message's key names.
func (t *topics) find(key []byte) (topic uint32, ok bool) {
	topic, ok = t.byKey[string(key)]
	return topic, ok
}

// query returns target with client i's topics in its query.
func (t *topics) query(target string, i int) string {
	if t == nil {
		return target
	}
	for k := range t.each {
		target = withParameter(target, "topic", t.names[t.of(i, k)])
	}
	return target
}

// withParameter adds a parameter to the query of a request target.
func withParameter(target, name, value string) string {
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return target + separator + name + "=" + url.QueryEscape(value)
}

// appendCommand appends the command of tickgate.v1 that subscribes client i, behind the message with id since if that is
// not empty.
func (t *topics) appendCommand(dst []byte, i int, since string) []byte {
	dst = append(dst, `{"t":"sub","ref":1,"topics":[`...)
	for k := range t.each {
		dst = strconv.AppendQuote(dst, t.names[t.of(i, k)]) // names are visible ASCII, or the server refuses them
		dst = append(dst, ',')
	}
	dst = append(bytes.TrimSuffix(dst, []byte(",")), ']')
	if since != "" {
		dst = strconv.AppendQuote(append(dst, `,"since":`...), since)
	}
	return append(dst, '}')
}
