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
	"tickgate/internal/config"
	"tickgate/internal/publish"
)

// loadKeys reads the publish keys of --publish-keys; no file is no keys. It warns of a file that others can read.
func loadKeys(file string, log *slog.Logger) (*auth.PublishKeys, error) {
	if file == "" {
		return &auth.PublishKeys{}, nil
	}
	keys, err := auth.LoadPublishKeys(file)
	if err != nil {
		return nil, fmt.Errorf("--publish-keys: %w", err)
	}
	if keys.Empty() {
		return nil, fmt.Errorf("--publish-keys: %s has no keys; write a line name:key for each, with patterns of topics behind it if it is not to grant all, or leave the flag out", file)
	}
	warnReadable("the publish keys", file, log)
	return &keys, nil
}

// warnReadable warns of a file with secrets that every user of the machine can read.
func warnReadable(what, file string, log *slog.Logger) {
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o007 != 0 {
		log.Warn("every user of this machine can read "+what+"; chmod o= takes that away", "file", file, "mode", info.Mode().Perm().String())
	}
}

// authority is all that decides who may publish over HTTP.
type authority struct {
	keys   func() *auth.PublishKeys // as they are now; whether there are any does not change
	tokens *tokens                  // nil: there are no keys for tokens
	topics func() *config.Topics    // as they are now
}

// at returns who may publish through a listener: with keys of either kind those who bring a publish key or a token, wherever
// they come from, and without any everybody who reaches a listener on loopback. The rules of topics restrict all of them.
func (a authority) at(listener net.Addr) publish.Authorizer {
	if a.keys().Empty() && a.tokens == nil {
		return open{publish.LoopbackOnly(listener), a}
	}
	return keyholders{a}
}

// ruled returns what is left of a grant to somebody when the rules of topics have been asked.
func (a authority) ruled(who string, grant publish.Grant) publish.Grant {
	return func(topic string) bool { return a.topics().MayPublish(topic, who) && grant(topic) }
}

// warnOfStrangers warns of rules that let nobody publish because there is no such key.
func warnOfStrangers(rules config.Rules, keys *auth.PublishKeys, log *slog.Logger) {
	for _, r := range rules {
		for _, name := range r.Publish {
			switch name {
			case config.PublishTokens, config.PublishAnonymous, config.PublishNone:
			default:
				if !keys.Has(name) {
					log.Warn("a rule lets somebody publish who has no key; add the name to --publish-keys or correct the rule", "rule", r.Pattern, "name", name)
				}
			}
		}
	}
}

// open lets those publish whom another authorizer lets, without names. It implements publish.Authorizer.
type open struct {
	publish.Authorizer
	authority
}

// Authorize implements publish.Authorizer.
func (o open) Authorize(r *http.Request) (publish.Grant, error) {
	grant, err := o.Authorizer.Authorize(r)
	if err != nil {
		return nil, err
	}
	return o.ruled(config.PublishAnonymous, grant), nil
}

// keyholders lets those publish who bring a publish key or a token, to the topics that it grants. It implements
// publish.Authorizer.
type keyholders struct{ authority }

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
	if keys := k.keys(); keys.Match(token) != nil {
		return k.keyed(keys, token), nil
	}
	if k.tokens == nil {
		return nil, errUnknownKey
	}
	grant, err := k.tokens.authorize(r.Context(), token)
	if err != nil {
		return nil, err
	}
	return k.ruled(config.PublishTokens, grant), nil
}

// keyed returns what a publish key grants. A pipeline that goes on when keys are read again goes on by the new ones.
func (k keyholders) keyed(keys *auth.PublishKeys, token auth.Token) publish.Grant {
	before := keys.Match(token)
	return func(topic string) bool {
		key := before
		if now := k.keys(); now != keys {
			key = now.Match(token)
		}
		return key != nil && key.MayPublish(topic) && k.topics().MayPublish(topic, key.Name())
	}
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
