package auth

import (
	"fmt"
	"runtime"
	"testing"

	"tickgate/internal/auth/keyset"
	"tickgate/internal/auth/tokentest"
)

// BenchmarkCheck is what an event loop pays for a token: go test -run=^$ -bench=Check ./internal/auth
func BenchmarkCheck(b *testing.B) {
	hs, ed := tokentest.HS256("hs", testSecret), tokentest.EdDSA("ed")
	keys := []*keyset.Key{hmacKey(b, "hs", testSecret), publicKey(b, ed)}
	b.Run("cached", func(b *testing.B) {
		v := newVerifier(b, Config{Keys: keys, Now: atNoon})
		token := NewToken(hs.Sign(payload()))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Check(token, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("HS256", func(b *testing.B) {
		v := newVerifier(b, Config{Keys: keys, Now: atNoon})
		token := NewToken(hs.Sign(payload()))
		b.ReportAllocs()
		for b.Loop() {
			v.cache = newCache(1)
			if _, err := v.Check(token, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("malformed", func(b *testing.B) {
		v := newVerifier(b, Config{Keys: keys, Now: atNoon})
		token := NewToken(ed.SignHeader(`{"alg":"none"}`, payload()))
		b.ReportAllocs()
		for b.Loop() {
			_, _ = v.Check(token, nil)
		}
	})
}

// BenchmarkCheckEnqueue is a loop's part of a public-key signature; the workers' is BenchmarkVerify of package keyset.
func BenchmarkCheckEnqueue(b *testing.B) {
	ed := tokentest.EdDSA("ed")
	v := newVerifier(b, Config{Keys: []*keyset.Key{publicKey(b, ed)}, Workers: -1, Now: atNoon})
	token := NewToken(ed.Sign(payload()))
	done := func(*Verdict, error) {}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Check(token, done); err != ErrPending { //nolint:errorlint // the benchmark would measure errors.Is
			b.Fatal(err)
		}
		v.pending.remove((<-v.queue))
	}
}

// BenchmarkCacheMemory reports the bytes of heap for one verdict held, its claims included.
func BenchmarkCacheMemory(b *testing.B) {
	hs := tokentest.HS256("hs", testSecret)
	const n = 16384
	for b.Loop() {
		v := newVerifier(b, Config{Keys: []*keyset.Key{hmacKey(b, "hs", testSecret)}, MaxCached: n, Now: atNoon})
		before := heapInUse()
		for i := range n {
			if _, err := v.Check(NewToken(hs.Sign(payload("jti", fmt.Sprint(i)))), nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heapInUse()-before)/n, "B/verdict")
		runtime.KeepAlive(v)
	}
}

// BenchmarkMaySubscribe is the worst case: as many grants as there can be, each as long as it can be.
func BenchmarkMaySubscribe(b *testing.B) {
	grants := make([]string, maxPatterns)
	for i := range grants {
		grants[i] = fmt.Sprintf("%0191d.%03d.*", 0, i)
	}
	p, err := NewPermissions(grants, nil)
	if err != nil {
		b.Fatal(err)
	}
	wanted := fmt.Sprintf("%0191d.%03d.x", 0, maxPatterns-1)
	for b.Loop() {
		if !p.MaySubscribe(wanted) {
			b.Fatal("not granted")
		}
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
