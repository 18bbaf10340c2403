package envelope

import "time"

// Kind is which command it is.
type Kind uint8

// The commands of tickgate.v1.
const (
	None  Kind = iota
	Sub        // {"t":"sub","ref":1,"topics":["price.ACME"],"since":"…","last":3,"max_rate":"2/s"}
	Unsub      // {"t":"unsub","ref":2,"topics":["price.ACME"]}
	Pub        // {"t":"pub","ref":3,"topic":"chat.1","data":…,"enc":"base64","event":"…","msgid":"…"}
	Auth       // {"t":"auth","ref":4,"token":"…"}

	kinds // how many there are
)

// Kinds is the number of kinds, None included: an array with that many elements has a place for each.
const Kinds = int(kinds)

// String returns the command's name, as "t" spells it; it is a metric label too.
func (k Kind) String() string { return [...]string{"none", "sub", "unsub", "pub", "auth"}[k] }

// Ref is the number that a client gives to a command, to tell the answers apart: 0 to 2^53-1, which JavaScript
// holds exactly. NoRef stands for one that could not be read.
type Ref int64

// NoRef is the ref of a command without a legible one. Its answer has none either.
const NoRef Ref = -1

const maxRef = 1<<53 - 1

// Command is what a client asks for. Its slices alias the text it was decoded from, except where that has escapes: they
// are valid for as long as the text is unchanged. Topics' memory is reused by the next Decode into the same Command.
type Command struct {
	Kind Kind
	Ref  Ref

	Topics [][]byte // of Sub and Unsub; at least one
	Since  []byte   // of Sub: the id to resume behind, empty for none
	Last   int      // of Sub: begin with the newest so many messages; -1 if not given
	// Interval is of Sub: between two messages of a topic, at least, as max_rate asks for; 0 if not given.
	Interval time.Duration

	Topic []byte // of Pub
	Data  []byte // of Pub: a JSON value, see ParsePayload
	Enc   []byte // of Pub: how Data is encoded, empty for as it is
	Event []byte // of Pub: the type of the message, empty for none
	MsgID []byte // of Pub: makes publishing repeatable, empty for not

	Token []byte // of Auth; a secret
}

// members is a set of members of commands.
type members uint16

const (
	memberT members = 1 << iota
	memberRef
	memberTopics
	memberSince
	memberLast
	memberTopic
	memberData
	memberEnc
	memberEvent
	memberMsgID
	memberToken
	memberMaxRate
)

// memberNames are the names, in the order of the bits.
var memberNames = [...]string{
	"t", "ref", "topics", "since", "last", "topic", "data", "enc", "event", "msgid", "token", "max_rate",
}

// shapes say which members a command must have and which it may have besides.
var shapes = [kinds]struct{ must, may members }{
	Sub:   {memberT | memberRef | memberTopics, memberSince | memberLast | memberMaxRate},
	Unsub: {memberT | memberRef | memberTopics, 0},
	Pub:   {memberT | memberRef | memberTopic | memberData, memberEnc | memberEvent | memberMsgID},
	Auth:  {memberT | memberRef | memberToken, 0},
}

// first returns the name of the first member of the set.
func (m members) first() string {
	for i, name := range memberNames {
		if m&(1<<i) != 0 {
			return name
		}
	}
	return ""
}
