package bus

import (
	"runtime"
	"testing"
)

// heapInUse is what is alive. The second collection frees what the first one has left in pools.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The embedded server must not weigh on a gateway that is proud of its bytes per connection: 0.6 MB measured for
// nats-server 2.15.2 with its connection and a subscription, 220 to 400 B per message of 5 B in the memory store.
func TestMemoryOfTheEmbeddedServer(t *testing.T) {
	const idleLimit, messages, perMessage = 4 << 20, 20_000, 600
	before := heapInUse()
	b := open(t, Config{Listen: true})
	s, err := b.Subscribe(t.Context(), 0, func(Msg) {})
	if err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	defer s.Stop()
	idle := heapInUse() - before
	t.Logf("idle: %d kB, %d goroutines", idle/1000, runtime.NumGoroutine())
	if idle > idleLimit {
		t.Errorf("heap of an idle bus: got %d B, want at most %d B", idle, idleLimit)
	}
	fill(t, b, messages)
	full := heapInUse() - before - idle
	t.Logf("%d B per message", full/messages)
	if full > messages*perMessage {
		t.Errorf("heap per stored message: got %d B, want at most %d B", full/messages, perMessage)
	}
}
