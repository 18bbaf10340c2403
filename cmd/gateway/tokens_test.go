package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tickgate/internal/auth"
	"tickgate/internal/auth/tokentest"
	"tickgate/internal/config"
	"tickgate/internal/metrics"
)

// keyFile writes a file of keys and returns the setting that names it.
func keyFile(t *testing.T, kind config.KeyKind, text string) config.KeySource {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.KeySource{Kind: kind, Place: path}
}

// publisherToken returns a token that grants chat.* for an hour.
func publisherToken(s *tokentest.Signer) auth.Token {
	return auth.NewToken(s.Sign(fmt.Sprintf(`{"exp":%d,"tickgate":{"publish":["chat.*"]}}`, time.Now().Add(time.Hour).Unix())))
}

// journal is a log that is written on one goroutine and read on another.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// take returns what was logged since the last call.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.text.Reset()
	return j.text.String()
}

// A publisher's grant ends with its token, also in the middle of a pipeline.
func TestGrantEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		verifying, err := newTokens(&config.Access{Keys: config.KeySources{keyFile(t, config.KeysSecret, testKey+"\n")}}, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer verifying.close()
		grant, err := verifying.authorize(t.Context(), publisherToken(tokentest.HS256("", []byte(testKey))))
		if err != nil {
			t.Fatal(err)
		}
		if !grant("chat.a") || grant("price.A") {
			t.Error("got another grant than chat.*")
		}
		time.Sleep(time.Hour)
		if grant("chat.a") {
			t.Error("got a grant behind the token's expiry")
		}
	})
}

// Files are read again when they change, and a bad change leaves the keys as they are.
func TestKeyFilesAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := keyFile(t, config.KeysSecret, testKey)
		var log journal
		verifying, err := newTokens(&config.Access{Keys: config.KeySources{file}}, nil, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer verifying.close()
		next := strings.Repeat("another ", 8)
		for _, step := range []struct {
			text, secret, log string
			want              error
		}{
			{next, testKey, "read again", auth.ErrSignature},
			{"short", next, "stay as they are", nil},
			{testKey, testKey, "read again", nil},
		} {
			if err := os.WriteFile(file.Place, []byte(step.text), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * keyPoll)
			synctest.Wait()
			logged := log.take()
			_, err := verifying.verifier.Verify(t.Context(), publisherToken(tokentest.HS256("", []byte(step.secret))))
			if !errors.Is(err, step.want) || !strings.Contains(logged, step.log) {
				t.Errorf("with %q in the file: got %v and log %q, want %v and %q", step.text, err, logged, step.want, step.log)
			}
			if strings.Contains(logged, step.text) {
				t.Errorf("got log %q, which shows the secret", logged)
			}
		}
		var m metrics.Snapshot
		verifying.measure(&m)
		if got := m.Tokens.Refreshes; got[0].N != 2 || got[1].N != 1 {
			t.Errorf("got refreshes %v, want 2 that succeeded and 1 that failed", got)
		}
	})
}

// A worker that starts while a file is in a bad state goes on with what the supervisor has read before, until the file is
// good again. Without that it would not start.
func TestKeysFromBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := keyFile(t, config.KeysSecret, testKey)
		cfg := &config.Access{Keys: config.KeySources{file}}
		supervisor, err := newTokens(cfg, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer supervisor.close()
		if err := os.WriteFile(file.Place, []byte("short"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := newTokens(cfg, nil, slog.New(slog.DiscardHandler)); err == nil {
			t.Error("got tokens of a bad file and nothing before it")
		}
		time.Sleep(2 * keyPoll) // the supervisor finds the bad file, and keeps what it has
		synctest.Wait()
		var log journal
		worker, err := newTokens(cfg, supervisor.texts(), slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer worker.close()
		verify := func(secret string) error {
			_, err := worker.verifier.Verify(t.Context(), publisherToken(tokentest.HS256("", []byte(secret))))
			return err
		}
		if err, logged := verify(testKey), log.take(); err != nil || !strings.Contains(logged, "cannot be read") || strings.Contains(logged, testKey) {
			t.Errorf("got %v and log %q, want the key from before", err, logged)
		}
		next := strings.Repeat("another ", 8)
		if err := os.WriteFile(file.Place, []byte(next), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * keyPoll)
		synctest.Wait()
		if err := verify(next); err != nil {
			t.Errorf("got %v, want the key that the file has now", err)
		}
		if got := (*tokens)(nil).texts(); got != nil {
			t.Errorf("got %d texts without keys", len(got))
		}
	})
}

// Each source that cannot serve is named, all at once, and none of the keys.
func TestReadKeys(t *testing.T) {
	ed := tokentest.EdDSA("ed")
	good := config.KeySources{
		keyFile(t, config.KeysPublic, string(ed.PEM())), keyFile(t, config.KeysPublic, tokentest.Set(ed, tokentest.ES256("es"))),
		keyFile(t, config.KeysSecret, testKey),
	}
	if keys, _, err := readKeys(good); err != nil || len(keys) != 4 {
		t.Errorf("got %d keys, %v, want 4", len(keys), err)
	}
	bad := config.KeySources{
		keyFile(t, config.KeysSecret, string(ed.PEM())), keyFile(t, config.KeysSecret, "0123456789"), keyFile(t, config.KeysPublic, testKey),
		{Kind: config.KeysPublic, Place: testKey},
	}
	_, _, err := readKeys(bad)
	for _, want := range []string{"source 1: unusable key: hs256: names a file of PEM", "source 2: ", "at least 32", "no PEM block", "source 4: read the file: no such file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	if err != nil && (strings.Contains(err.Error(), testKey) || strings.Contains(err.Error(), "0123456789")) {
		t.Errorf("got %v, which shows a key", err)
	}
}
