package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tickgate/internal/auth/keyset"
	"tickgate/internal/auth/tokentest"
)

// result is what a callback was given.
type result struct {
	verdict *Verdict
	err     error
}

// callback returns a done for Check and where its outcome arrives.
func callback() (func(*Verdict, error), chan result) {
	c := make(chan result, 1)
	return func(v *Verdict, err error) { c <- result{v, err} }, c
}

// stopped is a verifier without workers: what is enqueued stays so.
func stopped(t *testing.T, cfg Config) *Verifier {
	t.Helper()
	cfg.Workers = -1
	return newVerifier(t, cfg)
}

// TestCheckPending: public-key signatures are verified elsewhere, and only the first time.
func TestCheckPending(t *testing.T) {
	ed := tokentest.EdDSA("ed")
	v := newVerifier(t, Config{Keys: []*keyset.Key{publicKey(t, ed)}, Now: atNoon})
	token := NewToken(ed.Sign(payload()))
	done, later := callback()
	if verdict, err := v.Check(token, done); verdict != nil || !errors.Is(err, ErrPending) {
		t.Fatalf("got %v, %v, want to wait", verdict, err)
	}
	first := <-later
	if first.err != nil || !first.verdict.Permissions.MaySubscribe("price.ACME") {
		t.Fatalf("got %v, %v, want a verdict", first.verdict, first.err)
	}
	again, err := v.Check(token, done)
	if again != first.verdict || err != nil {
		t.Errorf("got %v, %v, want the same verdict from the cache", again, err)
	}
	if s := v.Stats(); s.Accepted != 2 || s.Hits != 1 || s.Cached != 1 || s.Pending != 0 {
		t.Errorf("got %+v, want two accepted, one of them from the cache", s)
	}
}

// TestCheckShares: callers with the same token wait for one verification, and all get its outcome.
func TestCheckShares(t *testing.T) {
	ed := tokentest.EdDSA("ed")
	v := stopped(t, Config{Keys: []*keyset.Key{publicKey(t, ed)}, Now: atNoon})
	token := NewToken(ed.Sign(payload()))
	var called atomic.Int32
	for range 100 {
		if _, err := v.Check(token, func(verdict *Verdict, err error) {
			if verdict != nil && err == nil {
				called.Add(1)
			}
		}); !errors.Is(err, ErrPending) {
			t.Fatalf("got %v, want to wait", err)
		}
	}
	if s := v.Stats(); s.Pending != 100 || len(v.queue) != 1 {
		t.Errorf("got %d waiting for %d jobs, want 100 for 1", s.Pending, len(v.queue))
	}
	v.do(<-v.queue)
	if s := v.Stats(); called.Load() != 100 || s.Pending != 0 || s.Accepted != 100 {
		t.Errorf("got %d calls and %+v, want 100 accepted", called.Load(), s)
	}
}

// TestCheckBusy: what waits is bounded; what need not wait is not affected.
func TestCheckBusy(t *testing.T) {
	ed, hs := tokentest.EdDSA("ed"), tokentest.HS256("hs", testSecret)
	v := stopped(t, Config{Keys: []*keyset.Key{publicKey(t, ed), hmacKey(t, "hs", testSecret)}, MaxPending: 3, Now: atNoon})
	never := func(_ *Verdict, err error) {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want %v", err, ErrClosed)
		}
	}
	for i := range 5 {
		_, err := v.Check(NewToken(ed.Sign(payload("jti", fmt.Sprint(i)))), never)
		if want := map[bool]error{true: ErrPending, false: ErrBusy}[i < 3]; !errors.Is(err, want) {
			t.Errorf("token %d: got %v, want %v", i, err, want)
		}
	}
	if _, err := v.Check(NewToken(hs.Sign(payload())), nil); err != nil {
		t.Errorf("got %v for HS256, want nil", err)
	}
	if s := v.Stats(); s.Refused[ReasonBusy] != 2 || s.Pending != 3 {
		t.Errorf("got %+v, want two refused and three waiting", s)
	}
}

// TestClose: nobody is left waiting, and what needs no worker still works.
func TestClose(t *testing.T) {
	ed, hs := tokentest.EdDSA("ed"), tokentest.HS256("hs", testSecret)
	v := stopped(t, Config{Keys: []*keyset.Key{publicKey(t, ed), hmacKey(t, "hs", testSecret)}, Now: atNoon})
	done, later := callback()
	if _, err := v.Check(NewToken(ed.Sign(payload())), done); !errors.Is(err, ErrPending) {
		t.Fatalf("got %v, want to wait", err)
	}
	v.Close()
	if r := <-later; !errors.Is(r.err, ErrClosed) {
		t.Errorf("got %v, want %v", r.err, ErrClosed)
	}
	if _, err := v.Check(NewToken(ed.Sign(payload())), done); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v after the end, want %v", err, ErrClosed)
	}
	if _, err := v.Check(NewToken(hs.Sign(payload())), done); err != nil {
		t.Errorf("got %v for HS256 after the end, want nil", err)
	}
}

func TestVerifyGivesUp(t *testing.T) {
	ed := tokentest.EdDSA("ed")
	v := stopped(t, Config{Keys: []*keyset.Key{publicKey(t, ed)}, Now: atNoon})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(ctx, NewToken(ed.Sign(payload()))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestSetKeys: a rotation of static keys. Tokens of a key that is gone are refused at once, cached or not.
func TestSetKeys(t *testing.T) {
	other := []byte("another secret of 32 bytes length")
	old, next := hmacKey(t, "", testSecret), hmacKey(t, "", other)
	oldToken := NewToken(tokentest.HS256("", testSecret).Sign(payload()))
	newToken := NewToken(tokentest.HS256("", other).Sign(payload()))
	v := newVerifier(t, Config{Keys: []*keyset.Key{old}, Now: atNoon})
	try := func(step string, token Token, want error) {
		t.Helper()
		if _, err := v.Check(token, nil); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", step, err, want)
		}
	}
	try("old key, old token", oldToken, nil)
	try("old key, new token", newToken, ErrSignature)
	v.SetKeys([]*keyset.Key{next, hmacKey(t, "", testSecret)})
	try("both keys, old token", oldToken, nil)
	try("both keys, new token", newToken, nil)
	if hits := v.Stats().Hits; hits != 1 {
		t.Errorf("got %d hits, want 1: the old key stayed, and so did its token", hits)
	}
	v.SetKeys([]*keyset.Key{next})
	try("new key, old token", oldToken, ErrSignature)
	try("new key, new token", newToken, nil)
	v.SetKeys(nil)
	try("no key, new token", newToken, ErrAlgorithm)
}

// TestConcurrent is for the race detector: everything at once.
func TestConcurrent(t *testing.T) {
	ed, hs := tokentest.EdDSA("ed"), tokentest.HS256("hs", testSecret)
	keys := []*keyset.Key{publicKey(t, ed), hmacKey(t, "hs", testSecret)}
	v := newVerifier(t, Config{Keys: keys, MaxCached: 8, Now: atNoon})
	tokens := make([]Token, 40)
	for i := range tokens {
		tokens[i] = NewToken([]*tokentest.Signer{ed, hs}[i%2].Sign(payload("jti", fmt.Sprint(i))))
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				if _, err := v.Verify(t.Context(), tokens[(g*7+i)%len(tokens)]); err != nil {
					t.Errorf("got %v, want nil", err)
					return
				}
				if i%50 == g {
					v.SetKeys(keys)
				}
				_ = v.Stats()
			}
		})
	}
	wg.Wait()
	if s := v.Stats(); s.Accepted != 1600 || s.Cached > 8 || s.Pending != 0 {
		t.Errorf("got %+v, want 1600 accepted and at most 8 cached", s)
	}
}

// TestCacheEvicts: a full cache gives up what expires next.
func TestCacheEvicts(t *testing.T) {
	c := newCache(3)
	key := hmacKey(t, "", testSecret)
	for i, hours := range []int{5, 1, 3, 2, 4} {
		c.put(digest{byte(i)}, &Verdict{Expires: noon.Add(time.Duration(hours) * time.Hour)}, key)
	}
	for i, want := range []bool{true, false, true, false, true} {
		if got := c.get(digest{byte(i)}, noon) != nil; got != want {
			t.Errorf("entry %d: got %v, want %v", i, got, want)
		}
	}
	c.put(digest{0}, &Verdict{Expires: noon.Add(time.Hour)}, key)
	if c.get(digest{0}, noon.Add(time.Hour)) != nil || c.len() != 2 || len(c.entries) != 2 {
		t.Errorf("got %d entries, %d in order, want two, the replaced one expired", len(c.entries), c.len())
	}
	key.Retire()
	if c.get(digest{2}, noon) != nil || c.len() != 1 {
		t.Errorf("got %d entries, want one less: its key is retired", c.len())
	}
}

var errDown = errors.New("connection refused")

// TestUnknownKey: a token of a key that is not known yet makes the set be fetched, once for all that wait, and not again
// a moment later.
func TestUnknownKey(t *testing.T) {
	a, b := tokentest.EdDSA("a"), tokentest.EdDSA("b")
	synctest.Test(t, func(t *testing.T) {
		p := &provider{body: tokentest.Set(a)}
		v := remoteVerifier(t, p, 400)
		time.Sleep(time.Minute)
		p.set(tokentest.Set(b), time.Second)
		done, later := callback()
		began := time.Now()
		if _, err := v.Check(NewToken(b.Sign(lasting())), done); !errors.Is(err, ErrPending) {
			t.Fatalf("got %v, want to wait", err)
		}
		if r := <-later; r.err != nil || time.Since(began) != time.Second {
			t.Errorf("got %v after %v, want a verdict after the fetch of a second", r.err, time.Since(began))
		}
		for range 3 {
			if _, err := v.Verify(t.Context(), NewToken(a.Sign(lasting()))); !errors.Is(err, ErrUnknownKey) {
				t.Errorf("got %v for the withdrawn key, want %v", err, ErrUnknownKey)
			}
		}
		if time.Since(began) != time.Second || p.requests() != 2 {
			t.Errorf("got %d fetches in %v, want 2 in a second", p.requests(), time.Since(began))
		}
	})
}

// TestWithdrawnKey: with its key a cached verdict goes.
func TestWithdrawnKey(t *testing.T) {
	a, b := tokentest.EdDSA("a"), tokentest.EdDSA("b")
	synctest.Test(t, func(t *testing.T) {
		p := &provider{body: tokentest.Set(a, b)}
		v := remoteVerifier(t, p, 400)
		token := NewToken(a.Sign(lasting()))
		for range 2 {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Fatalf("got %v, want nil", err)
			}
		}
		p.set(tokentest.Set(b), 0)
		time.Sleep(12 * time.Minute)
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrUnknownKey) || v.Stats().Hits != 1 {
			t.Errorf("got %v, %d hits, want %v", err, v.Stats().Hits, ErrUnknownKey)
		}
	})
}

// TestInventedKeys: tokens with key ids that nobody has take a quarter of the places at most, while the provider hangs.
func TestInventedKeys(t *testing.T) {
	a := tokentest.EdDSA("a")
	synctest.Test(t, func(t *testing.T) {
		p := &provider{body: tokentest.Set(a)}
		v := remoteVerifier(t, p, 400)
		time.Sleep(time.Minute)
		p.set(tokentest.Set(a), time.Hour)
		outcomes := map[error]int{}
		var mu sync.Mutex
		for i := range 1000 {
			_, err := v.Check(NewToken(a.SignHeader(fmt.Sprintf(`{"alg":"EdDSA","kid":"%d"}`, i), lasting())), func(_ *Verdict, err error) {
				mu.Lock()
				defer mu.Unlock()
				outcomes[err]++
			})
			if !errors.Is(err, ErrPending) {
				t.Fatalf("got %v, want to wait", err)
			}
			synctest.Wait()
		}
		if s := v.Stats(); s.Pending != 100 || outcomes[ErrUnknownKey] != 900 {
			t.Errorf("got %d waiting, %v, want 100, the others refused", s.Pending, outcomes)
		}
		if _, err := v.Verify(t.Context(), NewToken(a.Sign(lasting()))); err != nil {
			t.Errorf("got %v for a good token, want nil", err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s := v.Stats(); s.Pending != 0 || outcomes[ErrUnknownKey] != 1000 || v.pending.fetching != 0 {
			t.Errorf("got %d waiting, %d of them for keys, %v, want all refused after the timeout", s.Pending, v.pending.fetching, outcomes)
		}
	})
}

// TestWaitsOnce: a token waits for one fetch, and not for the next one too when its turn comes late.
func TestWaitsOnce(t *testing.T) {
	a := tokentest.EdDSA("a")
	synctest.Test(t, func(t *testing.T) {
		r, err := keyset.NewRemote(keyset.RemoteConfig{URL: "https://issuer.example/keys", Transport: &provider{body: tokentest.Set(a)}})
		if err != nil {
			t.Fatal(err)
		}
		v := stopped(t, Config{Remote: r})
		time.Sleep(time.Minute)
		done, later := callback()
		if _, err := v.Check(NewToken(tokentest.EdDSA("b").Sign(lasting())), done); !errors.Is(err, ErrPending) {
			t.Fatalf("got %v, want to wait", err)
		}
		v.do(<-v.queue) // waits for a fetch
		time.Sleep(time.Minute)
		v.do(<-v.queue) // another fetch could start by now
		synctest.Wait()
		if len(later) == 0 {
			t.Fatal("got no outcome behind a fetch, want one")
		}
		if r := <-later; !errors.Is(r.err, ErrUnknownKey) {
			t.Errorf("got %v, want %v", r.err, ErrUnknownKey)
		}
	})
}

// TestKeysUnavailable: a token is not to blame for a provider that is down.
func TestKeysUnavailable(t *testing.T) {
	a := tokentest.EdDSA("a")
	synctest.Test(t, func(t *testing.T) {
		p := &provider{}
		v := remoteVerifier(t, p, 400)
		if _, err := v.Verify(t.Context(), NewToken(a.Sign(lasting()))); !errors.Is(err, ErrKeys) {
			t.Errorf("got %v, want %v", err, ErrKeys)
		}
		p.set(tokentest.Set(a), 0)
		time.Sleep(time.Minute)
		if _, err := v.Verify(t.Context(), NewToken(a.Sign(lasting()))); err != nil {
			t.Errorf("got %v once the provider is back, want nil", err)
		}
	})
}

// TestFirstFetch: tokens that come before the keys wait for them.
func TestFirstFetch(t *testing.T) {
	a := tokentest.EdDSA("a")
	synctest.Test(t, func(t *testing.T) {
		p := &provider{body: tokentest.Set(a), delay: 3 * time.Second}
		v := remoteVerifier(t, p, 400)
		began := time.Now()
		if _, err := v.Verify(t.Context(), NewToken(a.Sign(lasting()))); err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("got %v after %v, want a verdict after 3 s", err, time.Since(began))
		}
	})
}

// TestCloseDuringFetch: closing does not wait for a provider that hangs.
func TestCloseDuringFetch(t *testing.T) {
	a := tokentest.EdDSA("a")
	synctest.Test(t, func(t *testing.T) {
		v := remoteVerifier(t, &provider{body: "x", delay: time.Hour}, 400)
		done, later := callback()
		began := time.Now()
		if _, err := v.Check(NewToken(a.Sign(lasting())), done); !errors.Is(err, ErrPending) {
			t.Fatalf("got %v, want to wait", err)
		}
		synctest.Wait()
		v.Close()
		if r := <-later; !errors.Is(r.err, ErrClosed) || time.Since(began) != 0 {
			t.Errorf("got %v after %v, want %v at once", r.err, time.Since(began), ErrClosed)
		}
	})
}
