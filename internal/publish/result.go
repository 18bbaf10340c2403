package publish

import (
	"encoding/json"
	"strconv"

	"tickgate/internal/bus"
)

// appendAck appends {"id":"…","duplicate":false}.
func appendAck(dst []byte, epoch string, ack bus.Ack) []byte {
	dst = append(dst, `{"id":"`...)
	dst = append(dst, epoch...) // base 36: nothing to escape
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, ack.Seq, 10)
	dst = append(dst, `","duplicate":`...)
	dst = strconv.AppendBool(dst, ack.Duplicate)
	return append(dst, '}')
}

// appendProblem appends {"error":"…","message":"…"}.
func appendProblem(dst []byte, p *problem) []byte {
	message, _ := json.Marshal(p.message) // a string can always be
	dst = append(dst, `{"error":"`...)
	dst = append(dst, p.code...)
	dst = append(dst, `","message":`...)
	dst = append(dst, message...)
	return append(dst, '}')
}
