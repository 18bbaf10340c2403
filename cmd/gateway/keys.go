package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"tickgate/internal/auth"
	"tickgate/internal/publish"
)

// loadKeys reads the publish keys of --publish-keys; no file is no keys. It warns of a file that others can read.
func loadKeys(file string, log *slog.Logger) (auth.PublishKeys, error) {
	if file == "" {
		return auth.PublishKeys{}, nil
	}
	keys, err := auth.LoadPublishKeys(file)
	if err != nil {
		return auth.PublishKeys{}, fmt.Errorf("--publish-keys: %w", err)
	}
	if keys.Empty() {
		return auth.PublishKeys{}, fmt.Errorf("--publish-keys: %s has no keys; write a line name:key for each, or leave the flag out", file)
	}
	warnReadable("the publish keys", file, log)
	return keys, nil
}

// warnReadable warns of a file with secrets that every user of the machine can read.
func warnReadable(what, file string, log *slog.Logger) {
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o007 != 0 {
		log.Warn("every user of this machine can read "+what+"; chmod o= takes that away", "file", file, "mode", info.Mode().Perm().String())
	}
}

// authorizer returns who may publish: with keys of either kind those who bring a publish key or a token, wherever they come
// from, and without any everybody who reaches a listener on loopback.
func authorizer(keys auth.PublishKeys, t *tokens, listener net.Addr) publish.Authorizer {
	if keys.Empty() && t == nil {
		return publish.LoopbackOnly(listener)
	}
	return keyholders{keys, t}
}

// keyholders lets those publish who bring a publish key, to all topics, or a token, to those it grants. It implements
// publish.Authorizer.
type keyholders struct {
	keys   auth.PublishKeys
	tokens *tokens // nil: there are no keys for tokens
}

// What a request without a known key is told.
var (
	errNoKey      = &publish.Refusal{Status: http.StatusUnauthorized, Message: "a publish key or a token is needed: send Authorization: Bearer KEY, or gateway publish --key KEY"}
	errUnknownKey = &publish.Refusal{
		Status: http.StatusUnauthorized, Message: "the publish key is not one of those in --publish-keys", Challenge: auth.ErrSignature.HTTP.Challenge,
	}
)

// Authorize implements publish.Authorizer.
func (k keyholders) Authorize(r *http.Request) (publish.Grant, error) {
	token, err := auth.FromHTTP(r)
	switch {
	case errors.Is(err, auth.ErrConflict):
		return nil, &publish.Refusal{Status: http.StatusUnauthorized, Message: err.Error(), Challenge: auth.ErrConflict.HTTP.Challenge}
	case token.IsZero():
		return nil, errNoKey
	}
	if _, known := k.keys.Match(token); known {
		return func(string) bool { return true }, nil
	}
	if k.tokens == nil {
		return nil, errUnknownKey
	}
	return k.tokens.authorize(r.Context(), token)
}

// authorize returns what a token grants a publisher. A pipeline lives no longer than its token.
func (t *tokens) authorize(ctx context.Context, token auth.Token) (publish.Grant, error) {
	verdict, err := t.verifier.Verify(ctx, token)
	var refused *auth.Error
	switch {
	case errors.As(err, &refused):
		return nil, &publish.Refusal{Status: refused.HTTP.Status, Message: refused.Error(), Challenge: refused.HTTP.Challenge}
	case err != nil:
		return nil, err
	}
	return func(topic string) bool {
		if time.Now().Before(verdict.Expires) && verdict.Permissions.MayPublish(topic) {
			return true
		}
		t.verifier.Refused(auth.ErrForbidden)
		return false
	}, nil
}
