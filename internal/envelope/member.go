package envelope

import (
	"strconv"

	"tickgate/internal/wire"
)

// member stores the value of one member.
func (c *Command) member(m members, value []byte, kind *Kind) *Error {
	switch m {
	case memberT:
		return parseKind(value, kind)
	case memberRef:
		return c.parseRef(value)
	case memberTopics:
		return c.parseTopics(value)
	case memberLast:
		return c.parseLast(value)
	case memberSince:
		return parseString(m, value, &c.Since)
	case memberTopic:
		return parseString(m, value, &c.Topic)
	case memberData:
		c.Data = value
		return nil
	case memberEnc:
		return parseString(m, value, &c.Enc)
	case memberEvent:
		return parseString(m, value, &c.Event)
	case memberMsgID:
		return parseString(m, value, &c.MsgID)
	case memberMaxRate:
		return c.parseMaxRate(value)
	default:
		return parseString(m, value, &c.Token)
	}
}

func parseKind(value []byte, kind *Kind) *Error {
	if value[0] != '"' {
		return bad(`"t" is %s and not a string`, quote(value))
	}
	name := unquote(value)
	for k := Sub; k < kinds; k++ {
		if string(name) == k.String() {
			*kind = k
			return nil
		}
	}
	return &Error{Code: UnknownCommand, Message: "there is no command " + quote(value) + "; there are sub, unsub, pub and auth"}
}

func (c *Command) parseRef(value []byte) *Error {
	n, ok := natural(value, maxRef)
	if !ok {
		return bad(`"ref" is %s and not a whole number from 0 to %d`, quote(value), int64(maxRef))
	}
	c.Ref = Ref(n)
	return nil
}

func (c *Command) parseLast(value []byte) *Error {
	n, ok := natural(value, maxLast)
	if !ok {
		return bad(`"last" is %s and not a whole number from 0 to %d`, quote(value), maxLast)
	}
	c.Last = int(n)
	return nil
}

func (c *Command) parseMaxRate(value []byte) *Error {
	text := value
	if value[0] == '"' {
		text = unquote(value)
	}
	interval, ok := wire.ParseRate(text)
	if !ok || value[0] != '"' {
		return &Error{Code: BadMaxRate, Message: wire.BadRate(quote(text)).Message}
	}
	c.Interval = interval
	return nil
}

func (c *Command) parseTopics(value []byte) *Error {
	w := walk{text: value}
	if !w.enter('[') {
		return bad(`"topics" is %s and not an array of strings`, quote(value))
	}
	for !w.leave(']') {
		if len(c.Topics) == MaxTopics {
			return &Error{Code: TooManyTopics, Message: "a command may name " + strconv.Itoa(MaxTopics) + " topics; send several"}
		}
		topic := w.value()
		if topic[0] != '"' || len(topic) == 2 {
			return bad(`"topics" holds %s, which is not the name of a topic`, quote(topic))
		}
		c.Topics = append(c.Topics, unquote(topic))
	}
	if len(c.Topics) == 0 {
		return bad(`"topics" is empty`)
	}
	return nil
}

// parseString stores the text of a string. A token is not quoted in messages: it is a secret.
func parseString(m members, value []byte, dst *[]byte) *Error {
	switch {
	case value[0] == '"':
		*dst = unquote(value)
		return nil
	case m == memberToken:
		return bad("%q is not a string", m.first())
	}
	return bad("%q is %s and not a string", m.first(), quote(value))
}

// natural reads a JSON number without sign, fraction and exponent, up to most.
func natural(value []byte, most int64) (n int64, ok bool) {
	for _, c := range value {
		if c < '0' || c > '9' || n > most {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, n <= most
}
