package envelope

import (
	"strconv"
	"time"

	"tickgate/internal/wire"
)

// AppendSubscriptions appends the answer to sub and unsub, {"t":"ok","ref":…,"topics":…,"id":…}: how many subscriptions
// the connection has now, and the id to resume from for a client that gets nothing more; without id if that is empty.
func AppendSubscriptions(dst []byte, ref Ref, topics int, id string) []byte {
	dst = appendOK(dst, ref)
	dst = append(dst, `,"topics":`...)
	dst = strconv.AppendInt(dst, int64(topics), 10)
	if id != "" {
		dst = append(dst, `,"id":`...)
		dst = wire.AppendJSONString(dst, id)
	}
	return append(dst, '}')
}

// AppendStored appends the answer to pub, {"t":"ok","ref":…,"id":…,"duplicate":…}.
func AppendStored(dst []byte, ref Ref, id string, duplicate bool) []byte {
	dst = appendOK(dst, ref)
	dst = append(dst, `,"id":`...)
	dst = wire.AppendJSONString(dst, id)
	dst = append(dst, `,"duplicate":`...)
	dst = strconv.AppendBool(dst, duplicate)
	return append(dst, '}')
}

// AppendRenewed appends the answer to auth, {"t":"ok","ref":…,"expires_in_ms":…}, without the time if the token does not
// expire within a century.
func AppendRenewed(dst []byte, ref Ref, expires time.Duration) []byte {
	const century = 100 * 365 * 24 * time.Hour
	dst = appendOK(dst, ref)
	if expires < century {
		dst = append(dst, `,"expires_in_ms":`...)
		dst = strconv.AppendInt(dst, max(expires.Milliseconds(), 0), 10)
	}
	return append(dst, '}')
}

// appendOK appends {"t":"ok","ref":… for more members to follow.
func appendOK(dst []byte, ref Ref) []byte {
	return appendRef(append(dst, `{"t":"ok"`...), ref)
}

// AppendError appends {"t":"error","ref":…,"code":…,"message":…}, without ref for NoRef.
func AppendError(dst []byte, ref Ref, e *Error) []byte {
	dst = appendRef(append(dst, `{"t":"error"`...), ref)
	dst = append(dst, `,"code":`...)
	dst = wire.AppendJSONString(dst, e.Code)
	dst = append(dst, `,"message":`...)
	dst = wire.AppendJSONString(dst, e.Message)
	return append(dst, '}')
}

func appendRef(dst []byte, ref Ref) []byte {
	if ref == NoRef {
		return dst
	}
	dst = append(dst, `,"ref":`...)
	return strconv.AppendInt(dst, int64(ref), 10)
}

// Gap tells a client that messages are missing between the id it asked for and the oldest one held.
type Gap struct {
	Topic     string
	Requested string // as sent by the client; empty if it fell behind while it was connected
	Oldest    string // empty if nothing is held
}

// AppendGap appends {"t":"gap","topic":…,"requested":…,"oldest":…}.
func AppendGap(dst []byte, g Gap) []byte {
	dst = append(dst, `{"t":"gap","topic":`...)
	dst = wire.AppendJSONString(dst, g.Topic)
	dst = append(dst, `,"requested":`...)
	dst = wire.AppendJSONString(dst, g.Requested)
	dst = append(dst, `,"oldest":`...)
	dst = wire.AppendJSONString(dst, g.Oldest)
	return append(dst, '}')
}

// AppendExpiring appends {"t":"expiring","in_ms":…}: the client's token ends so soon.
func AppendExpiring(dst []byte, in time.Duration) []byte {
	dst = append(dst, `{"t":"expiring","in_ms":`...)
	dst = strconv.AppendInt(dst, max(in.Milliseconds(), 0), 10)
	return append(dst, '}')
}
