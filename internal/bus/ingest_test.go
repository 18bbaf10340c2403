package bus

import (
	"runtime"
	"testing"
)

// BenchmarkIngest is the price of a message in the stream's pipeline, without HTTP: 120 bytes, 1,024 unacknowledged.
func BenchmarkIngest(b *testing.B) {
	for _, bench := range []struct {
		name string
		cfg  Config
	}{
		{"memory", Config{}},
		{"file", Config{Dir: b.TempDir()}},
		{"file-always", Config{Dir: b.TempDir(), SyncAlways: true}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			bus, err := Open(b.Context(), bench.cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = bus.Close() }()
			window := make(chan *Pending, defaultMaxPending-1)
			b.ResetTimer()
			go feedIngest(b, bus, window)
			for p := range window {
				if _, err := p.Wait(b.Context()); err != nil {
					b.Error(err)
				}
			}
		})
		runtime.GC() // what one stream left is not the next one's to collect
	}
}

func feedIngest(b *testing.B, bus *Bus, window chan<- *Pending) {
	defer close(window)
	payload := make([]byte, 120)
	for range b.N {
		p, err := bus.PublishAsync(Msg{Topic: "price.ACME", Payload: payload})
		for err != nil {
			p, err = bus.PublishAsync(Msg{Topic: "price.ACME", Payload: payload})
		}
		window <- p
	}
}

// BenchmarkRead is the price of a message on its way from the stream to a process that reads it: the server's part and the
// reader's together, over a loopback connection, 120 bytes.
func BenchmarkRead(b *testing.B) {
	owner, err := Open(b.Context(), Config{Listen: true, MaxMessages: 10_000_000, MaxBytes: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = owner.Close() }()
	window := make(chan *Pending, defaultMaxPending-1)
	go feedIngest(b, owner, window)
	for p := range window {
		if _, err := p.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	reader, err := Connect(b.Context(), owner.Endpoint())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	b.ResetTimer()
	in, err := reader.Subscribe(b.Context(), 0, func(Msg) {})
	if err != nil {
		b.Fatal(err)
	}
	<-in.CaughtUp()
}
