package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// KeyKind is what is found at a KeySource.
type KeyKind string

// The kinds of key sources.
const (
	KeysPublic KeyKind = "public" // a file of public keys
	KeysSecret KeyKind = "hs256"  // a file with a secret
	KeysURL    KeyKind = "url"    // a JWK set to be fetched
)

// KeySource is where keys come from.
type KeySource struct {
	Kind  KeyKind
	Place string // a file or a URL; the latter may hold secrets: print it through KeySources.String only
}

// KeySources are where the keys come from that tokens are verified with: at most one URL.
type KeySources []KeySource

// UnmarshalText parses a comma-separated list of FILE, hs256:FILE and a URL. Errors quote nothing of it: a secret might have
// been given instead.
func (k *KeySources) UnmarshalText(text []byte) error {
	var list List
	_ = list.UnmarshalText(text)
	*k = nil
	for _, field := range list {
		source, err := parseKeySource(field)
		if err != nil {
			return err
		}
		if source.Kind == KeysURL && k.URL() != "" {
			return errors.New("two URLs; name one, and files beside it")
		}
		*k = append(*k, source)
	}
	return nil
}

func parseKeySource(text string) (KeySource, error) {
	if file, ok := strings.CutPrefix(text, string(KeysSecret)+":"); ok {
		if file == "" {
			return KeySource{}, errors.New("no file; write hs256:FILE with a file that holds the secret")
		}
		return KeySource{KeysSecret, file}, nil
	}
	if !strings.Contains(text, "://") {
		return KeySource{KeysPublic, text}, nil
	}
	const remedy = "write https://issuer.example/jwks.json; http only with a loopback address"
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return KeySource{}, errors.New("not a URL; " + remedy)
	case u.User != nil:
		return KeySource{}, errors.New("a user in the URL of public keys, which nobody needs; " + remedy)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return KeySource{}, fmt.Errorf("keys would come unprotected with %s; %s", u.Scheme, remedy)
	}
	return KeySource{KeysURL, text}, nil
}

// URL returns that of the key set, empty if there is none.
func (k KeySources) URL() string {
	for _, source := range k {
		if source.Kind == KeysURL {
			return source.Place
		}
	}
	return ""
}

// String lists the sources without the queries of URLs.
func (k KeySources) String() string { return k.list(redactQuery) }

// LogValue implements slog.LogValuer: package slog would take MarshalText, which hides nothing.
func (k KeySources) LogValue() slog.Value { return slog.StringValue(k.String()) }

func (k KeySources) list(shown func(url string) string) string {
	fields := make([]string, len(k))
	for i, source := range k {
		switch fields[i] = source.Place; source.Kind {
		case KeysSecret:
			fields[i] = string(KeysSecret) + ":" + source.Place
		case KeysURL:
			fields[i] = shown(source.Place)
		}
	}
	return strings.Join(fields, ",")
}

// redactQuery hides what stands behind the question mark of a URL.
func redactQuery(text string) string {
	if before, _, found := strings.Cut(text, "?"); found {
		return before + "?***"
	}
	return text
}
