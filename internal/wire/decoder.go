package wire

import "github.com/gobwas/ws"

// Kind says what a Part is.
type Kind uint8

// The kinds of parts.
const (
	None Kind = iota // nothing to act on yet
	Data             // some bytes of a message, perhaps none
	Ping             // to be answered with a pong of the same payload
	Pong
	Close // to be answered with a close frame of the same code; nothing comes behind it
)

// Part is what Decoder.Next found. Payload aliases the input.
type Part struct {
	Payload []byte // unmasked; the reason of a Close
	Code    uint16 // of a Close: CloseNoStatus if the frame had none
	Kind    Kind
	Op      Opcode // of Data: OpText or OpBinary, also for continuations
	First   bool   // of Data: the message starts here
	Final   bool   // of Data: the message ends here
	Packed  bool   // of Data: the message is compressed, see Inflater; it was not checked for UTF-8
}

// Limits is what a Decoder holds frames against.
type Limits struct {
	// MaxMessage is the longest message in bytes, all its fragments together; a longer one fails with CloseTooBig
	// as soon as a header announces it. 0 or less means no limit.
	MaxMessage int64
	// Server is set where the peer is a client: its frames must be masked, a server's must not (RFC 6455 §5.1).
	Server bool
}

// Decoder is the state of one direction of a WebSocket between two reads: 24 bytes without pointers. The zero value is
// ready to use. It must not be used by two goroutines at the same time.
//
// Header checks are ours where ws.CheckHeader and ws.ReadHeader of gobwas/ws v1.5.0 are too lenient: they let reserved
// bits pass on control frames and lengths that are not in their shortest form.
type Decoder struct {
	left  int64   // bytes of the current data frame that are still to come
	size  int64   // bytes of the current message, as announced so far
	mask  [4]byte // turned so that mask[0] meets the next byte
	op    Opcode  // of the current message; OpContinuation between messages
	text  utf8State
	flags decoderFlags
}

type decoderFlags uint8

const (
	flagFinal   decoderFlags = 1 << iota // the current frame is the last of its message
	flagBegun                            // a part of the current message has been handed out
	flagPacked                           // the current message is compressed
	flagDeflate                          // messages may be compressed
	flagDone                             // a close frame or an error has ended everything
)

// AgreeDeflate lets messages be compressed, each by itself: both sides have agreed on that in the handshake, see Terms. Limits.MaxMessage then
// holds for what comes over the wire.
func (d *Decoder) AgreeDeflate() { d.flags |= flagDeflate }

// Deflates reports whether AgreeDeflate was called.
func (d *Decoder) Deflates() bool { return d.flags&flagDeflate != 0 }

// Next looks at b, the bytes that have arrived and were not consumed before, and returns at most one Part and how many
// bytes it consumed. It is to be called again with the rest until it returns kind None and n == 0: then more bytes are
// needed. The payload of messages is handed out as it arrives and unmasked in place, so b is modified, but only where
// it is consumed. A control frame is left alone until it is whole (at most 131 bytes).
//
// An error is a *CloseError. After an error or a Close everything that follows is consumed and ignored.
func (d *Decoder) Next(b []byte, lim *Limits) (p Part, n int, err error) {
	if d.flags&flagDone != 0 {
		return Part{}, len(b), nil
	}
	if d.left == 0 {
		h, size, err := d.readHeader(b, lim)
		if err != nil {
			return d.fail(b, err)
		}
		if size == 0 {
			return Part{}, 0, nil
		}
		if h.op&0x8 != 0 {
			return d.control(b, size, &h)
		}
		d.begin(&h)
		n = size
	}
	p, size, cerr := d.data(b[n:])
	if cerr != nil {
		return d.fail(b, cerr)
	}
	return p, n + size, nil
}

// BetweenFrames reports whether the part that Next has returned last was the end of a frame.
func (d *Decoder) BetweenFrames() bool { return d.left == 0 }

// fail ends everything with err.
func (d *Decoder) fail(b []byte, err *CloseError) (Part, int, error) {
	d.flags |= flagDone
	return Part{}, len(b), err
}

// begin enters the data frame with header h.
func (d *Decoder) begin(h *frameHeader) {
	if h.op != OpContinuation {
		d.op = h.op
		if h.packed {
			d.flags |= flagPacked
		}
	}
	d.left, d.mask = h.length, h.mask
	d.size += h.length
	if h.final {
		d.flags |= flagFinal
	}
}

// data hands out what b holds of the current data frame.
func (d *Decoder) data(b []byte) (p Part, n int, err *CloseError) {
	n = int(min(d.left, int64(len(b))))
	if n == 0 && d.left > 0 {
		return Part{}, 0, nil
	}
	chunk := b[:n:n]
	if d.mask != [4]byte{} {
		ws.Cipher(chunk, d.mask, 0)
		d.mask = turn(d.mask, n)
	}
	d.left -= int64(n)
	p = Part{Kind: Data, Op: d.op, Payload: chunk, First: d.flags&flagBegun == 0, Final: d.left == 0 && d.flags&flagFinal != 0}
	p.Packed = d.flags&flagPacked != 0
	if d.op == OpText && !p.Packed {
		d.text = d.text.add(chunk)
		if d.text == utf8Invalid || p.Final && d.text != utf8Between {
			return Part{}, 0, errText
		}
	}
	d.flags |= flagBegun
	if p.Final {
		*d = Decoder{flags: d.flags & flagDeflate}
	}
	return p, n, nil
}

// turn returns mask as it meets the bytes that come after n others.
func turn(mask [4]byte, n int) (m [4]byte) {
	for i := range m {
		m[i] = mask[(i+n)&3]
	}
	return m
}

// control hands out the control frame with header h once it is whole.
func (d *Decoder) control(b []byte, size int, h *frameHeader) (p Part, n int, err error) {
	n = size + int(h.length)
	if len(b) < n {
		return Part{}, 0, nil
	}
	payload := b[size:n:n]
	ws.Cipher(payload, h.mask, 0)
	switch h.op {
	case OpPing:
		return Part{Kind: Ping, Payload: payload}, n, nil
	case OpPong:
		return Part{Kind: Pong, Payload: payload}, n, nil
	}
	code, reason, err := ParseClose(payload)
	d.flags |= flagDone
	if err != nil {
		return Part{}, len(b), err
	}
	return Part{Kind: Close, Code: code, Payload: reason}, n, nil
}
