package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tickgate/internal/auth"
	"tickgate/internal/auth/keyset"
	"tickgate/internal/config"
	"tickgate/internal/metrics"
	"tickgate/internal/session"
)

// tokens verifies the tokens of subscribers and publishers in one process, and keeps its keys fresh. A nil one is that of
// a gateway without keys.
type tokens struct {
	// immutable after newTokens
	verifier *auth.Verifier
	files    config.KeySources // those that are no URL
	log      *slog.Logger
	cancel   context.CancelFunc
	ended    sync.WaitGroup

	refreshed, failed atomic.Uint64 // times keys were read or fetched again

	good atomic.Pointer[keyTexts] // that serve, of files

	// owned by the goroutine of the remote set
	down bool // the last fetch failed
}

// keyPoll is how often the files are looked at for changes. It costs one stat(2) for each.
const keyPoll = 5 * time.Second

// keyTexts are what files of keys held, in the order of the settings. They are secrets.
type keyTexts [][]byte

// newTokens reads the keys that cfg names and begins to fetch those behind a URL. Without keys it returns nil. Files that cannot
// serve are an error, unless there is what they held before, which serves until they change.
func newTokens(cfg *config.Access, before keyTexts, log *slog.Logger) (*tokens, error) {
	if len(cfg.Keys) == 0 {
		return nil, nil
	}
	t := &tokens{log: log}
	for _, source := range cfg.Keys {
		if source.Kind != config.KeysURL {
			t.files = append(t.files, source)
		}
	}
	seen := stamps(t.files)
	keys, err := t.readFirst(before)
	if err != nil {
		return nil, err
	}
	remote, err := t.remote(cfg)
	if err != nil {
		return nil, err
	}
	t.verifier = auth.New(auth.Config{
		Keys: keys, Remote: remote, Issuers: cfg.Issuers, Audiences: cfg.Audiences, Leeway: cfg.Leeway, Claim: cfg.Claim,
	})
	var ctx context.Context
	ctx, t.cancel = context.WithCancel(context.Background())
	if len(t.files) > 0 {
		t.ended.Go(func() { t.watch(ctx, seen) })
	}
	return t, nil
}

// readFirst returns the keys of the files, or of what these held before.
func (t *tokens) readFirst(before keyTexts) ([]*keyset.Key, error) {
	keys, texts, err := readKeys(t.files)
	if err != nil && len(before) == len(t.files) {
		t.failed.Add(1)
		t.log.Error("keys of tokens cannot be read; those that the supervisor has read before serve", "error", err)
		texts = before
		keys, err = parseKeys(t.files, texts)
	}
	t.good.Store(&texts)
	return keys, err
}

// texts returns what the files held that keys are from; nil without keys.
func (t *tokens) texts() keyTexts {
	if t == nil {
		return nil
	}
	return *t.good.Load()
}

// remote returns the key set behind the URL, nil if there is none.
func (t *tokens) remote(cfg *config.Access) (*keyset.Remote, error) {
	url := cfg.Keys.URL()
	if url == "" {
		return nil, nil
	}
	r, err := keyset.NewRemote(keyset.RemoteConfig{URL: url, Refresh: cfg.Refresh, Report: t.fetched})
	if err != nil {
		return nil, fmt.Errorf("--token-keys: %w", err)
	}
	return r, nil
}

// fetched counts a fetch of keys. The log is told when they begin to fail and when they succeed again.
func (t *tokens) fetched(err error) {
	switch {
	case err != nil:
		t.failed.Add(1)
		if !t.down {
			t.log.Error("keys of tokens cannot be fetched; those fetched before serve for a day, and it is tried again", "error", err)
		}
	default:
		t.refreshed.Add(1)
		if t.down {
			t.log.Info("keys of tokens have been fetched again")
		}
	}
	t.down = err != nil
}

// watch reads the files again when one of them changes.
func (t *tokens) watch(ctx context.Context, seen []stamp) {
	ticker := time.NewTicker(keyPoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if now := stamps(t.files); !slices.Equal(now, seen) {
			seen = now
			t.reload()
		}
	}
}

// reload reads the files again. If there is anything wrong with them, the keys stay as they are.
func (t *tokens) reload() {
	keys, texts, err := readKeys(t.files)
	if err != nil {
		t.failed.Add(1)
		t.log.Error("keys of tokens stay as they are", "error", err)
		return
	}
	t.verifier.SetKeys(keys)
	t.good.Store(&texts)
	t.refreshed.Add(1)
	t.log.Info("keys of tokens have been read again", "keys", len(keys))
}

// close ends what newTokens started. Sessions must have ended before.
func (t *tokens) close() {
	if t != nil {
		t.cancel()
		t.ended.Wait()
		t.verifier.Close()
	}
}

// stamp tells two versions of a file apart; the zero value is a file that cannot be read.
type stamp struct {
	changed time.Time
	size    int64
}

func stamps(files config.KeySources) []stamp {
	list := make([]stamp, len(files))
	for i, f := range files {
		if info, err := os.Stat(f.Place); err == nil {
			list[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return list
}

// readKeys reads all files. An error says what is wrong with each that cannot serve, and shows no key.
func readKeys(files config.KeySources) ([]*keyset.Key, keyTexts, error) {
	texts := make(keyTexts, len(files))
	var errs []error
	for i, f := range files {
		var err error
		if texts[i], err = os.ReadFile(f.Place); err != nil {
			// Who takes the secret for the file would find it in the log, and so the name is not repeated.
			if failed := (*os.PathError)(nil); errors.As(err, &failed) {
				err = failed.Err
			}
			errs = append(errs, fmt.Errorf("--token-keys: source %d: read the file: %w; name a file with the key, not the key", i+1, err))
		}
	}
	keys, err := parseKeys(files, texts)
	return keys, texts, errors.Join(append(errs, err)...)
}

// parseKeys returns the keys in the texts of files; nil stands for one that could not be read.
func parseKeys(files config.KeySources, texts keyTexts) (keys []*keyset.Key, err error) {
	var errs []error
	for i, f := range files {
		if texts[i] == nil {
			continue
		}
		found, err := parseKeyFile(f, texts[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("--token-keys: source %d: %w", i+1, err))
		}
		keys = append(keys, found...)
	}
	return keys, errors.Join(errs...)
}

func parseKeyFile(f config.KeySource, text []byte) ([]*keyset.Key, error) {
	if f.Kind == config.KeysSecret {
		return readSecret(text)
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		keys, _, err := keyset.ParseJWKS(text)
		return keys, inFile(f, err)
	}
	keys, err := keyset.ParsePEM("", text)
	return keys, inFile(f, err)
}

// readSecret takes the text of a file, without the line's end behind it, as a secret. A public key is none: whoever knows
// it, and everybody may, could make tokens.
func readSecret(text []byte) ([]*keyset.Key, error) {
	secret := strings.TrimRight(string(text), "\r\n")
	if strings.Contains(secret, "-----BEGIN ") || strings.HasPrefix(strings.TrimSpace(secret), "{") {
		return nil, fmt.Errorf("%w: hs256: names a file of PEM or JSON; leave hs256: out for public keys", keyset.ErrKey)
	}
	key, err := keyset.HMAC("", []byte(secret))
	if err != nil {
		return nil, err
	}
	return []*keyset.Key{key}, nil
}

func inFile(f config.KeySource, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", f.Place, err)
	}
	return nil
}

// access returns who may open sessions.
func access(cfg *config.Config, t *tokens) session.Access {
	a := session.Access{Cookie: cfg.Access.Cookie, Origins: auth.NewOrigins(cfg.Access.Origins)}
	if t != nil {
		a.Verifier = t.verifier
	}
	return a
}

// explain tells the operator who may subscribe and publish, once.
func (t *tokens) explain(cfg *config.Access, log *slog.Logger) {
	if t == nil {
		log.Info("subscribing is open to everybody who reaches the public listener; --token-keys asks for tokens")
		if len(cfg.OpenPublish) > 0 {
			log.Info("publishing over tickgate.v1 is open to everybody who reaches the public listener", "topics", cfg.OpenPublish)
		}
		return
	}
	log.Info("subscribing takes a token", "keys", cfg.Keys, "origins", cfg.Origins)
	for _, f := range t.files {
		if f.Kind == config.KeysSecret {
			warnReadable("the secret of tokens", f.Place, log)
		}
	}
}

// measure adds the numbers to m.
func (t *tokens) measure(m *metrics.Snapshot) {
	if t == nil {
		return
	}
	s := t.verifier.Stats()
	m.Tokens = &metrics.Tokens{
		Accepted: s.Accepted, Cached: s.Cached, Pending: s.Pending,
		Refreshes: []metrics.Count{{Label: "ok", N: t.refreshed.Load()}, {Label: "error", N: t.failed.Load()}},
	}
	for _, r := range auth.Reasons() {
		m.Tokens.Refused = append(m.Tokens.Refused, metrics.Count{Label: r.String(), N: s.Refused[r]})
	}
}
