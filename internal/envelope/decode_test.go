package envelope

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tickgate/internal/wire"
)

// show prints a command so that a table can spell it.
func show(c *Command) string {
	var topics []string
	for _, t := range c.Topics {
		topics = append(topics, string(t))
	}
	switch c.Kind {
	case Sub:
		if c.Interval > 0 {
			return fmt.Sprintf("sub %d %q since %q last %d every %v", c.Ref, topics, c.Since, c.Last, c.Interval)
		}
		return fmt.Sprintf("sub %d %q since %q last %d", c.Ref, topics, c.Since, c.Last)
	case Unsub:
		return fmt.Sprintf("unsub %d %q", c.Ref, topics)
	case Pub:
		return fmt.Sprintf("pub %d %q %s enc %q event %q msgid %q", c.Ref, c.Topic, c.Data, c.Enc, c.Event, c.MsgID)
	case Auth:
		return fmt.Sprintf("auth %d %q", c.Ref, c.Token)
	}
	return "none"
}

func TestDecode(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{`{"t":"sub","ref":1,"topics":["price.ACME"]}`, `sub 1 ["price.ACME"] since "" last -1`},
		{`{"t":"sub","ref":0,"topics":["a","b.*",">"],"since":"e-7","last":3}`, `sub 0 ["a" "b.*" ">"] since "e-7" last 3`},
		{" {\n\"topics\" : [ \"a\" , \"b\" ] ,\t\"last\":0,\"ref\": 9007199254740991 ,\r\"t\":\"sub\" } ", `sub 9007199254740991 ["a" "b"] since "" last 0`},
		{`{"t":"sub","ref":1,"topics":["a\u002eb","\"\\"]}`, `sub 1 ["a.b" "\"\\"] since "" last -1`},
		{`{"t":"sub","ref":1,"topics":["a"],"max_rate":"2\/s"}`, `sub 1 ["a"] since "" last -1 every 500ms`},
		{`{"\u0074":"unsub","ref":2,"topics":["a"]}`, `unsub 2 ["a"]`},
		{`{"t":"pub","ref":3,"topic":"chat.1","data":{"a":[1,"}"]}}`, `pub 3 "chat.1" {"a":[1,"}"]} enc "" event "" msgid ""`},
		{`{"t":"pub","ref":3,"topic":"c","data": null ,"event":"say","msgid":"m-1"}`, `pub 3 "c" null enc "" event "say" msgid "m-1"`},
		{`{"t":"pub","ref":3,"topic":"c","data":"/w==","enc":"base64"}`, `pub 3 "c" "/w==" enc "base64" event "" msgid ""`},
		{`{"t":"auth","ref":4,"token":"x.y.z"}`, `auth 4 "x.y.z"`},
	} {
		var c Command
		if fault := c.Decode([]byte(tc.text)); fault != nil {
			t.Errorf("%s: got %v, want %s", tc.text, fault, tc.want)
		} else if got := show(&c); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.text, got, tc.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	nested := func(levels int) string {
		return `{"t":"pub","ref":8,"topic":"a","data":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}`
	}
	many := strings.Repeat(`"a",`, MaxTopics) + `"a"`
	for _, tc := range []struct {
		name, text, code, message string
		ref                       Ref
	}{
		{"nothing", "", BadCommand, "not one JSON value", NoRef},
		{"no JSON", `{"t":"sub"`, BadCommand, "not one JSON value", NoRef},
		{"two values", `{} {}`, BadCommand, "not one JSON value", NoRef},
		{"an array", `["sub"]`, BadCommand, "not a JSON object", NoRef},
		{"not UTF-8", "{\"t\":\"auth\",\"ref\":1,\"token\":\"\xff\"}", BadCommand, "not UTF-8", NoRef},
		{"too deep", nested(MaxDepth), BadCommand, "deeper than 64", NoRef},
		{"far too deep", strings.Repeat("[", 60000), BadCommand, "deeper than 64", NoRef},
		{"empty object", `{}`, BadCommand, `"t" is missing`, NoRef},
		{"no t", `{"ref":5,"topics":["a"]}`, BadCommand, `"t" is missing`, 5},
		{"t is no string", `{"t":1,"ref":5}`, BadCommand, `"t" is 1`, 5},
		{"unknown t", `{"t":"subscribe","ref":5}`, UnknownCommand, `"subscribe"; there are sub, unsub, pub and auth`, 5},
		{"t is none", `{"t":"none","ref":5}`, UnknownCommand, `"none"`, 5},
		{"t in capitals", `{"T":"sub","ref":5}`, BadCommand, `no member "T"`, 5},
		{"t twice", `{"t":"sub","t":"unsub","ref":5,"topics":["a"]}`, BadCommand, `"t" comes twice`, 5},
		{"t twice in disguise", `{"t":"sub","\u0074":"sub","ref":5,"topics":["a"]}`, BadCommand, `"t" comes twice`, 5},
		{"no ref", `{"t":"unsub","topics":["a"]}`, BadCommand, `"ref" is missing in the command unsub`, NoRef},
		{"ref twice", `{"t":"unsub","ref":5,"ref":6,"topics":["a"]}`, BadCommand, `"ref" comes twice`, 5},
		{"ref is text", `{"t":"unsub","ref":"5","topics":["a"]}`, BadCommand, `"ref" is "5"`, NoRef},
		{"ref is negative", `{"t":"unsub","ref":-5,"topics":["a"]}`, BadCommand, `"ref" is -5`, NoRef},
		{"ref is a fraction", `{"t":"unsub","ref":5.0,"topics":["a"]}`, BadCommand, `"ref" is 5.0`, NoRef},
		{"ref has an exponent", `{"t":"unsub","ref":5e1,"topics":["a"]}`, BadCommand, `"ref" is 5e1`, NoRef},
		{"ref is too large", `{"t":"unsub","ref":9007199254740992,"topics":["a"]}`, BadCommand, `"ref" is 9007199254740992`, NoRef},
		{"ref is far too large", `{"t":"unsub","ref":` + strings.Repeat("9", 100) + `}`, BadCommand, "9…", NoRef},
		{"ref is null", `{"t":"unsub","ref":null,"topics":["a"]}`, BadCommand, `"ref" is null`, NoRef},
		{"unknown member", `{"t":"unsub","topic_s":{"ref":1},"ref":7,"topics":["a"]}`, BadCommand, `no member "topic_s"`, 7},
		{"another command's member", `{"t":"unsub","ref":7,"topics":["a"],"since":"e-1"}`, BadCommand, `the command unsub has no member "since"`, 7},
		{"max_rate is a number", `{"t":"sub","ref":7,"topics":["a"],"max_rate":2}`, BadMaxRate, `max_rate is 2 and not a rate`, 7},
		{"max_rate without a unit", `{"t":"sub","ref":7,"topics":["a"],"max_rate":"2"}`, BadMaxRate, `max_rate is 2 and not a rate`, 7},
		{"max_rate is too large", `{"t":"sub","ref":7,"topics":["a"],"max_rate":"1001/s"}`, BadMaxRate, `1001/s`, 7},
		{"max_rate is null", `{"t":"sub","ref":7,"topics":["a"],"max_rate":null}`, BadMaxRate, `max_rate is null`, 7},
		{"max_rate of unsub", `{"t":"unsub","ref":7,"topics":["a"],"max_rate":"2/s"}`, BadCommand, `the command unsub has no member "max_rate"`, 7},
		{"no topics", `{"t":"sub","ref":7}`, BadCommand, `"topics" is missing`, 7},
		{"topics is empty", `{"t":"sub","ref":7,"topics":[]}`, BadCommand, `"topics" is empty`, 7},
		{"topics is text", `{"t":"sub","ref":7,"topics":"a"}`, BadCommand, `"topics" is "a"`, 7},
		{"a topic is a number", `{"t":"sub","ref":7,"topics":["a",1]}`, BadCommand, `"topics" holds 1`, 7},
		{"a topic is empty", `{"t":"sub","ref":7,"topics":["a",""]}`, BadCommand, `"topics" holds ""`, 7},
		{"too many topics", `{"t":"sub","topics":[` + many + `],"ref":7}`, TooManyTopics, "1024 topics", 7},
		{"last is text", `{"t":"sub","ref":7,"topics":["a"],"last":"1"}`, BadCommand, `"last" is "1"`, 7},
		{"last is too large", `{"t":"sub","ref":7,"topics":["a"],"last":1000000000}`, BadCommand, `"last" is 1000000000`, 7},
		{"since is a number", `{"t":"sub","ref":7,"topics":["a"],"since":7}`, BadCommand, `"since" is 7`, 7},
		{"no data", `{"t":"pub","ref":7,"topic":"a"}`, BadCommand, `"data" is missing`, 7},
		{"no topic", `{"t":"pub","ref":7,"data":1}`, BadCommand, `"topic" is missing`, 7},
		{"topic is null", `{"t":"pub","ref":7,"topic":null,"data":1}`, BadCommand, `"topic" is null`, 7},
		{"no token", `{"t":"auth","ref":7}`, BadCommand, `"token" is missing`, 7},
		{"token is no string", `{"t":"auth","ref":7,"token":123456}`, BadCommand, `"token" is not a string`, 7},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := Command{Kind: Auth, Ref: 99, Topics: [][]byte{[]byte("old")}}
			fault := c.Decode([]byte(tc.text))
			if fault == nil {
				t.Fatalf("got %s, want %s", show(&c), tc.code)
			}
			if fault.Code != tc.code || !strings.Contains(fault.Message, tc.message) || c.Ref != tc.ref || c.Kind != None {
				t.Errorf("got %s %q, ref %d, kind %v; want %s %q, ref %d", fault.Code, fault.Message, c.Ref, c.Kind, tc.code, tc.message, tc.ref)
			}
		})
	}
}

func TestDecodeAtTheLimits(t *testing.T) {
	levels := MaxDepth - 1 // the command is one itself
	deep := `{"t":"pub","ref":8,"topic":"a","data":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}`
	many := `{"t":"sub","ref":1,"topics":[` + strings.Repeat(`"a",`, MaxTopics-1) + `"a"]}`
	for _, text := range []string{deep, many} {
		var c Command
		if fault := c.Decode([]byte(text)); fault != nil {
			t.Errorf("%.40s…: got %v, want none", text, fault)
		}
	}
}

func TestMessagesStayShort(t *testing.T) {
	long := strings.Repeat("€", 5000)
	for _, text := range []string{
		`{"` + long + `":1}`, `{"t":"` + long + `"}`, `{"t":"sub","topics":["a",` + `[["` + long + `"]]` + `]}`, `{"enc":["` + long + `"]}`,
	} {
		var c Command
		fault := c.Decode([]byte(text))
		if fault == nil || len(fault.Message) > 200 || !json.Valid(AppendError(nil, c.Ref, fault)) {
			t.Errorf("%.40s…: got %v, want a short error", text, fault)
		}
	}
}

func TestTokensAreNotQuoted(t *testing.T) {
	const secret = "5ecr3t"
	for _, text := range []string{
		`{"t":"auth","ref":1,"token":["` + secret + `"]}`,
		`{"t":"auth","ref":1,"token":"` + secret + `","token":"` + secret + `"}`,
		`{"t":"auth","ref":"","token":"` + secret + `"}`,
		`{"t":"sub","ref":1,"topics":["a"],"token":"` + secret + `"}`,
	} {
		var c Command
		if fault := c.Decode([]byte(text)); fault == nil || strings.Contains(fault.Message, secret) {
			t.Errorf("%s: got %v, want an error without the token", text, fault)
		}
	}
}

var usual = []string{
	`{"t":"sub","ref":1,"topics":["price.ACME","fx.*"],"since":"dn0zj7w25p6b-7","last":3}`,
	`{"t":"unsub","ref":2,"topics":["price.ACME"]}`,
	`{"t":"pub","ref":3,"topic":"chat.1","data":{"text":"hello","n":[1,2,3]},"event":"say","msgid":"m-1"}`,
	`{"t":"auth","ref":4,"token":"x.y.z"}`,
}

func TestDecodeAllocs(t *testing.T) {
	var c Command
	for _, s := range usual {
		text := []byte(s)
		c.Decode(text)
		if n := testing.AllocsPerRun(100, func() {
			if c.Decode(text) != nil {
				t.Error("got an error")
			}
		}); n != 0 && !raceEnabled { // json.Valid keeps its scanners in a sync.Pool, which forgets some under the race detector
			t.Errorf("%s: got %v allocations, want none", s, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range usual {
		text := []byte(s)
		b.Run(s[6:9], func(b *testing.B) {
			var c Command
			b.ReportAllocs()
			for b.Loop() {
				c.Decode(text)
			}
		})
	}
}

// FuzzDecode: whatever is accepted is what encoding/json reads, nothing more is accepted, and the text stays as it was.
func FuzzDecode(f *testing.F) {
	for _, s := range usual {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"t":"pub","ref":3,"topic":"\ud800","data":"\"1\"","enc":""}`))
	f.Add([]byte(`{"t":"pub","ref":3,"topic":"a","data":[[],{},"\\",-1e9],"t":1}`))
	f.Add([]byte(`{"t":"sub","ref":3,"topics":["a"],"max_rate":"0.5/s"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		var c Command
		fault := c.Decode(text)
		if !bytes.Equal(text, before) {
			t.Fatalf("%q has become %q", before, text)
		}
		var all map[string]json.RawMessage
		err := json.Unmarshal(text, &all)
		if fault != nil {
			if c.Ref != NoRef && (err != nil || string(all["ref"]) == "") {
				t.Fatalf("%q: got ref %d of %s", text, c.Ref, all["ref"])
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: got %s, which encoding/json does not read: %v", text, show(&c), err)
		}
		if again := encode(t, &c, all["max_rate"]); again != show(&c) {
			t.Fatalf("%q: got %s, and after encoding it anew %s", text, show(&c), again)
		}
		checkAgainst(t, &c, text)
	})
}

// reference is what encoding/json makes of a command.
type reference struct {
	T                                      string
	Ref                                    int64
	Topics                                 []string
	Since, Topic, Enc, Event, MsgID, Token string
	Last                                   *int
	MaxRate                                string `json:"max_rate"`
	Data                                   json.RawMessage
}

func checkAgainst(t *testing.T, c *Command, text []byte) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var want reference
	if err := decoder.Decode(&want); err != nil {
		t.Fatalf("%q: got %s, want %v", text, show(c), err)
	}
	other := Command{
		Kind: c.Kind, Ref: Ref(want.Ref), Since: []byte(want.Since), Last: -1, Topic: []byte(want.Topic), Data: want.Data,
		Enc: []byte(want.Enc), Event: []byte(want.Event), MsgID: []byte(want.MsgID), Token: []byte(want.Token),
	}
	for _, topic := range want.Topics {
		other.Topics = append(other.Topics, []byte(topic))
	}
	if want.Last != nil {
		other.Last = *want.Last
	}
	if want.MaxRate != "" {
		other.Interval, _ = wire.ParseRate([]byte(want.MaxRate))
	}
	if want.T != c.Kind.String() || show(c) != show(&other) {
		t.Fatalf("%q: got %s, want %s", text, show(c), show(&other))
	}
}

// encode writes c as a command and decodes that.
func encode(t *testing.T, c *Command, rate json.RawMessage) string {
	t.Helper()
	all := map[string]any{"t": c.Kind.String(), "ref": c.Ref}
	switch c.Kind {
	case Pub:
		all["topic"], all["data"], all["enc"], all["event"], all["msgid"] = string(c.Topic), json.RawMessage(c.Data), string(c.Enc), string(c.Event), string(c.MsgID)
	case Auth:
		all["token"] = string(c.Token)
	default:
		var topics []string
		for _, topic := range c.Topics {
			topics = append(topics, string(topic))
		}
		all["topics"] = topics
		if c.Kind == Sub {
			all["since"] = string(c.Since)
		}
		if c.Last >= 0 {
			all["last"] = c.Last
		}
		if c.Interval > 0 {
			all["max_rate"] = rate
		}
	}
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(all); err != nil {
		t.Fatal(err)
	}
	var again Command
	if fault := again.Decode(buf.Bytes()); fault != nil {
		t.Fatalf("%s: %v", buf.Bytes(), fault)
	}
	if c.Kind == Pub { // the encoder has compacted it
		var data bytes.Buffer
		if err := json.Compact(&data, c.Data); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data.Bytes(), again.Data) {
			t.Fatalf("got data %s, want %s", again.Data, data.Bytes())
		}
		again.Data = c.Data
	}
	return show(&again)
}
