package keyset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// RemoteConfig says where a key set is and how it is kept fresh. Zero values mean the defaults.
type RemoteConfig struct {
	// URL of the JWK set. It must be https, or http to a loopback address: who can change the answer makes the keys.
	URL string
	// Refresh is how often the set is fetched anew, give or take a tenth. Default: 10 minutes.
	Refresh time.Duration
	// MinInterval is the least time between two fetches, whoever asks: tokens with unknown key ids included.
	// Default: 10 seconds.
	MinInterval time.Duration
	// Timeout bounds one fetch, from the name lookup to the last byte. Default: 5 seconds.
	Timeout time.Duration
	// MaxStale is how long the last good set is used when fetching fails. Default: 24 hours.
	MaxStale time.Duration
	// Report is told the outcome of each fetch: nil, or an error that holds neither keys nor the URL's user and query.
	// It is called on the goroutine of Run. Default: nobody is told.
	Report func(error)
	// Transport makes the requests. Default: http.DefaultTransport.
	Transport http.RoundTripper
}

func (c RemoteConfig) withDefaults() RemoteConfig {
	c.MinInterval = cmp.Or(c.MinInterval, 10*time.Second)
	c.Refresh = max(cmp.Or(c.Refresh, 10*time.Minute), c.MinInterval)
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.MaxStale = cmp.Or(c.MaxStale, 24*time.Hour)
	if c.Report == nil {
		c.Report = func(error) {}
	}
	return c
}

// Remote is a key set behind a URL. Its methods are safe for concurrent use and, but for Run, do not block.
//
// A fetch that fails, or brings no usable key, leaves the last good set in place for MaxStale. A key that a new set no
// longer has is retired.
type Remote struct {
	// immutable
	cfg    RemoteConfig
	url    *url.URL
	client *http.Client

	keys atomic.Pointer[[]*Key]
	kick chan struct{} // holds one: somebody waits for a fetch

	// owned by Run
	lastGood time.Time

	// guarded by mu
	mu      sync.Mutex
	waiters []func()
	running bool      // a fetch is under way
	next    time.Time // when the next fetch may start
}

// NewRemote returns a set that is empty until Run has fetched it. An error wraps ErrKey.
func NewRemote(cfg RemoteConfig) (*Remote, error) {
	cfg = cfg.withDefaults()
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%w: the URL of the key set is not one; write it as https://issuer.example/jwks.json", ErrKey)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("%w: the key set at %s would come unprotected; use https", ErrKey, place(u))
	}
	client := &http.Client{
		Transport: cfg.Transport,
		Timeout:   cfg.Timeout,
		// The place that keys come from is configured, not answered.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Remote{cfg: cfg, url: u, client: client, kick: make(chan struct{}, 1)}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// place is u without what may be secret.
func place(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// Keys returns the current keys, nil while there are none. The caller must not modify them.
func (r *Remote) Keys() []*Key {
	if keys := r.keys.Load(); keys != nil {
		return *keys
	}
	return nil
}

// Await has f called on Run's goroutine when the next fetch, or the one under way, has ended, well or not. If none may
// start yet it returns false, and f is not called. f must not block.
func (r *Remote) Await(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running && time.Now().Before(r.next) {
		return false
	}
	r.waiters = append(r.waiters, f)
	select {
	case r.kick <- struct{}{}:
	default:
	}
	return true
}

// Run fetches the set at once and then again and again, until ctx is done. Then it calls who still waits.
func (r *Remote) Run(ctx context.Context) {
	defer r.release(never)
	pause := r.cfg.MinInterval // after a failure; doubles up to Refresh
	for ctx.Err() == nil {
		wait := jitter(r.cfg.Refresh)
		if err := r.refresh(ctx); err != nil {
			wait, pause = jitter(pause), min(2*pause, r.cfg.Refresh)
		} else {
			pause = r.cfg.MinInterval
		}
		r.release(time.Now().Add(r.cfg.MinInterval))
		r.sleep(ctx, wait)
	}
}

// never is when the next fetch starts after Run has returned.
var never = time.Unix(1<<40, 0)

// jitter spreads the gateways that share a provider.
func jitter(d time.Duration) time.Duration {
	return d*9/10 + rand.N(d/5+1)
}

// sleep returns after d, or as soon as somebody waits, or when ctx is done.
func (r *Remote) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-r.kick:
	}
}

// refresh fetches the set once and reports how it went.
func (r *Remote) refresh(ctx context.Context) error {
	r.mu.Lock()
	r.running = true
	r.mu.Unlock()
	keys, err := r.fetch(ctx)
	switch {
	case err == nil:
		r.lastGood = time.Now()
		r.replace(keys)
	case ctx.Err() != nil:
		return err // nobody's fault
	case time.Since(r.lastGood) > r.cfg.MaxStale:
		r.replace(nil)
	}
	r.cfg.Report(err)
	return err
}

// release ends a fetch: who waited for it is called, and the next one may start at next.
func (r *Remote) release(next time.Time) {
	r.mu.Lock()
	waiters := r.waiters
	r.waiters, r.running, r.next = nil, false, next
	select {
	case <-r.kick: // meant the fetch that has ended
	default:
	}
	r.mu.Unlock()
	for _, f := range waiters {
		f()
	}
}

// replace makes fresh the current keys.
func (r *Remote) replace(fresh []*Key) {
	next := Replace(r.Keys(), fresh)
	r.keys.Store(&next)
}

// quiet takes the URL, which may hold secrets, out of an error of net/http.
func quiet(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
