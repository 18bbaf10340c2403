package hub

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tickgate/internal/wire"
)

func TestFrames(t *testing.T) {
	for _, test := range []struct {
		name               string
		payload, event     string
		raw, envelope, sse string
	}{
		{
			"json", `{"a":1}`, "",
			"\x81\x07{\"a\":1}",
			`{"t":"msg","topic":"price.A","id":"e-7","data":{"a":1}}`,
			"id: e-7\ndata: {\"a\":1}\n\n",
		},
		{
			"text of two lines, with a type", "x\ny", "quote",
			"\x81\x03x\ny",
			`{"t":"msg","topic":"price.A","id":"e-7","event":"quote","data":"x\ny"}`,
			"id: e-7\nevent: quote\ndata: x\ndata: y\n\n",
		},
		{
			"empty", "", "",
			"\x81\x00",
			`{"t":"msg","topic":"price.A","id":"e-7","data":""}`,
			"id: e-7\ndata: \n\n",
		},
		{
			"binary", "\xff", "",
			"\x82\x01\xff",
			`{"t":"msg","topic":"price.A","id":"e-7","data":"/w==","enc":"base64"}`,
			"id: e-7\ndata: \ufffd\n\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := publishOne(Publication{Seq: 7, Topic: "price.A", Payload: []byte(test.payload), Event: test.event})
			header := string([]byte{0x81, byte(len(test.envelope))})
			for f, want := range map[Format]string{RawWS: test.raw, EnvelopeWS: header + test.envelope, SSE: test.sse} {
				if got := string(m.Frame(f)); got != want {
					t.Errorf("format %d: got %q, want %q", f, got, want)
				}
			}
		})
	}
}

// TestPackedFrames: the compressed formats restore to what the others hold.
func TestPackedFrames(t *testing.T) {
	payload := `{"list":[` + strings.Repeat(`"the same",`, 50) + `""]}`
	m := publishOne(Publication{Seq: 7, Topic: "price.A", Payload: []byte(payload)})
	for packed, want := range map[Format]string{
		PackedRawWS:      payload,
		PackedEnvelopeWS: `{"t":"msg","topic":"price.A","id":"e-7","data":` + payload + `}`,
	} {
		var d wire.Decoder
		d.AgreeDeflate()
		frame := m.Frame(packed)
		part, n, err := d.Next(slices.Clone(frame), &wire.Limits{})
		if err != nil || n != len(frame) || !part.Packed || !part.Final || len(frame) > len(want)/2 {
			t.Fatalf("format %d: got %+v, %v of %d bytes, want a compressed message", packed, part, err, len(frame))
		}
		var f wire.Inflater
		if got, err := f.AppendMessage(nil, part.Payload, 1<<16); err != nil || string(got) != want {
			t.Errorf("format %d: got %q, %v, want %q", packed, got, err, want)
		}
	}
	short := publishOne(Publication{Seq: 7, Topic: "price.A", Payload: []byte("short")})
	if !bytes.Equal(short.Frame(PackedRawWS), short.Frame(RawWS)) {
		t.Errorf("got %q of what compression does not make shorter", short.Frame(PackedRawWS))
	}
}

func publishOne(p Publication) *Message {
	h := New(Config{Epoch: "e"})
	h.Publish(p)
	return h.Topic(p.Topic).At(1)
}

func TestMessageFields(t *testing.T) {
	at := time.Unix(1, 2)
	m := publishOne(Publication{Seq: 7, Topic: "t", Payload: []byte("p"), Event: "v", Time: at})
	if m.Seq() != 7 || m.Pos() != 1 || m.Topic().Name() != "t" || string(m.Payload()) != "p" || m.Event() != "v" || !m.Time().Equal(at) {
		t.Errorf("got seq %d, pos %d, topic %q, payload %q, event %q, time %v; want 7, 1, t, p, v, %v",
			m.Seq(), m.Pos(), m.Topic().Name(), m.Payload(), m.Event(), m.Time(), at)
	}
	if got, want := m.ID(), "e-7"; got != want {
		t.Errorf("ID: got %q, want %q", got, want)
	}
}

// However many loops ask at once, a format is encoded once and everybody gets the very same bytes.
func TestFrameIsEncodedOnce(t *testing.T) {
	m := publishOne(Publication{Seq: 1, Topic: "t", Payload: []byte("payload")})
	frames := make([][]byte, 16)
	var wg sync.WaitGroup
	for i := range frames {
		wg.Go(func() { frames[i] = m.Frame(SSE) })
	}
	wg.Wait()
	for i, frame := range frames {
		if &frame[0] != &frames[0][0] {
			t.Errorf("goroutine %d got other bytes than the first", i)
		}
	}
}
