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
	time, seq field   // immutable
	keys      []field // immutable; the first that is found says whose a message is
	topics    *topics // immutable; nil if there are none to tell apart
	payload   []byte
	last      stamp
}

func newStamps(cfg *Config, topics *topics) stamps {
	r := stamps{time: newField(cfg.TimeField), seq: newField(cfg.SeqField), topics: topics}
	switch {
	case cfg.KeyField != "":
		r.keys = []field{newField(cfg.KeyField)}
	case cfg.Subprotocol == wire.Subprotocol:
		r.keys = []field{newField("topic"), newField("sym")} // event streams have no envelopes
	default:
		r.keys = []field{newField("sym")}
	}
	return r
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
	for i := range r.keys {
		key := r.keys[i].text(payload)
		if key == nil {
			continue
		}
		if topic, ok = r.topics.find(key); !ok {
			topic = foreign
		}
		return topic, true
	}
	return 0, false
}

// foreign stands for a topic that is none of the swarm's.
const foreign = ^uint32(0)
