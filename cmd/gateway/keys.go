package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"

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
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o007 != 0 {
		log.Warn("every user of this machine can read the publish keys; chmod o= takes that away", "file", file, "mode", info.Mode().Perm().String())
	}
	return keys, nil
}

// authorizer returns who may publish: with keys those who bring one, wherever they come from, and without keys
// everybody who reaches a listener on loopback.
func authorizer(keys auth.PublishKeys, listener net.Addr) publish.Authorizer {
	if keys.Empty() {
		return publish.LoopbackOnly(listener)
	}
	return keyholders{keys}
}

// keyholders lets those publish, to all topics, who bring a key. It implements publish.Authorizer.
type keyholders struct{ keys auth.PublishKeys }

// What a request without a known key is told.
var (
	errNoKey      = &publish.Refusal{Status: http.StatusUnauthorized, Message: "a publish key is needed: send Authorization: Bearer KEY, or gateway publish --key KEY"}
	errUnknownKey = &publish.Refusal{Status: http.StatusUnauthorized, Message: "the publish key is not one of those in --publish-keys"}
)

// Authorize implements publish.Authorizer.
func (k keyholders) Authorize(r *http.Request) (publish.Grant, error) {
	token, err := auth.FromHTTP(r)
	switch {
	case errors.Is(err, auth.ErrConflict):
		return nil, &publish.Refusal{Status: http.StatusUnauthorized, Message: err.Error()}
	case token.IsZero():
		return nil, errNoKey
	}
	if _, known := k.keys.Match(token); !known {
		return nil, errUnknownKey
	}
	return func(string) bool { return true }, nil
}
