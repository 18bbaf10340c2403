package load

import (
	"strings"
	"testing"
)

func TestStampsAreThoseOfTheMessage(t *testing.T) {
	r := stamps{time: newField("ts"), seq: newField("seq")}
	long := strings.Repeat(" ", maxKept)
	const second = 1_700_000_000
	for _, tt := range []struct {
		payload string
		want    stamp
	}{
		{`{"seq":1,"ts":1700000000}`, stamp{second * 1e9, 1, 0, true, true, true}},
		{`{"seq":1,"ts":1700000000}`, stamp{second * 1e9, 1, 0, true, true, true}},
		{`{"seq":2,"ts":1700000000}`, stamp{second * 1e9, 2, 0, true, true, true}},
		{``, stamp{placed: true}},
		{`{"seq":3}`, stamp{seq: 3, tracked: true, placed: true}},
		{`{"seq":4,"ts":1700000000}` + long, stamp{second * 1e9, 4, 0, true, true, true}},
		{``, stamp{placed: true}},
		{`{"seq":3}`, stamp{seq: 3, tracked: true, placed: true}},
	} {
		payload := []byte(tt.payload)
		if got := r.read(payload); got != tt.want {
			t.Errorf("%.30s: got %+v, want %+v", tt.payload, got, tt.want)
		}
		clear(payload) // the buffer is used for what comes next
	}
}

func BenchmarkStamps(b *testing.B) {
	r := stamps{time: newField("ts"), seq: newField("seq")}
	one, other := []byte(tick(123456)), []byte(tick(123457))
	for name, docs := range map[string][2][]byte{"same": {one, one}, "different": {one, other}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.read(docs[i&1])
			}
		})
	}
}
