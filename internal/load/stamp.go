package load

import (
	"bytes"

	"tickgate/internal/wire"
)

// stamp is what a message says about itself.
type stamp struct {
	due     int64 // Unix nanoseconds
	seq     uint64
	topic   uint32
	timed   bool // due is known
	tracked bool // seq is known
	placed  bool // topic is known
}

// stamps reads messages. All clients of a topic get the same bytes, mostly one after the other, so those of the last
// message are kept, and recognising them costs a tenth of reading them again (BenchmarkStamps). Event loop only.
type stamps struct {
	time, seq, key field   // immutable
	topics         *topics // immutable; nil if there are none to tell apart
	payload        []byte
	last           stamp
}

func newStamps(cfg *Config, topics *topics) stamps {
	key := cfg.KeyField
	switch {
	case key != "":
	case cfg.Subprotocol == wire.Subprotocol:
		key = "topic"
	default:
		key = "sym"
	}
	return stamps{time: newField(cfg.TimeField), seq: newField(cfg.SeqField), key: newField(key), topics: topics}
}

// maxKept bounds the message that is kept.
const maxKept = 4 << 10

func (r *stamps) read(payload []byte) stamp {
	if len(payload) > 0 && bytes.Equal(payload, r.payload) {
		return r.last
	}
	var s stamp
	s.due, s.timed = r.time.instant(payload)
	s.seq, s.tracked = r.seq.sequence(payload)
	s.topic, s.placed = r.topic(payload)
	r.payload = r.payload[:0]
	if len(payload) <= maxKept {
		r.payload, r.last = append(r.payload, payload...), s
	}
	return s
}

// topic returns whose a message is.
func (r *stamps) topic(payload []byte) (topic uint32, ok bool) {
	if r.topics == nil {
		return 0, true
	}
	key := r.key.text(payload)
	if key == nil {
		return 0, false
	}
	if topic, ok = r.topics.find(key); !ok {
		topic = foreign
	}
	return topic, true
}

// foreign stands for a topic that is none of the swarm's.
const foreign = ^uint32(0)
