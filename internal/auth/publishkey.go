package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// PublishKeys are the keys of the private listener: each has a name, for logs and for withdrawing it alone, a
// secret, of which only the SHA-256 is kept, and the topics that it grants. They are immutable and safe for concurrent use; the
// zero value has none.
type PublishKeys struct {
	keys []PublishKey
}

// PublishKey is one of them. It is immutable.
type PublishKey struct {
	name    string
	sum     [sha256.Size]byte
	permits Permissions
}

// Name returns what the key is called. It is no secret.
func (k *PublishKey) Name() string { return k.name }

// MayPublish reports whether the key grants publishing to a topic.
func (k *PublishKey) MayPublish(topic string) bool { return k.permits.MayPublish(topic) }

// minPublishKey is the shortest publish key in bytes: 16 random ones in hexadecimal have 32, in base64 22.
const minPublishKey = 20

// ErrPublishKeys is wrapped by the errors about lists of publish keys.
var ErrPublishKeys = errors.New("malformed publish keys")

// ParsePublishKeys reads lines of the form name:key, with patterns of the topics that the key grants behind it, separated by
// white space; without any it grants all. Commas separate keys as line ends do, as it suits an environment variable. Empty
// lines and those that start with # do not count. Names and keys come once; a key has at least 20 bytes and no white
// space. Errors name the line and the name, never a key, nor what may be a part of one.
func ParsePublishKeys(text string) (PublishKeys, error) {
	var p PublishKeys
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for entry := range strings.SplitSeq(line, ",") {
			if err := p.add(strings.TrimSpace(entry)); err != nil {
				return PublishKeys{}, fmt.Errorf("%w: line %d: %w", ErrPublishKeys, i+1, err)
			}
		}
	}
	return p, nil
}

// LoadPublishKeys is ParsePublishKeys for a file.
func LoadPublishKeys(path string) (PublishKeys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return PublishKeys{}, fmt.Errorf("read publish keys: %w", err)
	}
	p, err := ParsePublishKeys(string(text))
	if err != nil {
		return PublishKeys{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// add takes one name:key with its patterns, or nothing. Without a colon all of it may be the key, and so nothing of it is quoted.
func (p *PublishKeys) add(entry string) error {
	if entry == "" {
		return nil
	}
	words := strings.Fields(entry)
	name, key, ok := strings.Cut(words[0], ":")
	if !ok || name == "" {
		return errors.New("no name; write name:key")
	}
	if len(key) < minPublishKey {
		return fmt.Errorf("the key %q has %d bytes, at least %d are needed, without white space; make one with: openssl rand -hex 16", name, len(key), minPublishKey)
	}
	permits, err := NewPermissions(nil, grantedBy(words[1:]))
	if err != nil {
		return fmt.Errorf("behind the key %q, which ends at white space, comes something else than up to %d patterns of topics", name, maxPatterns)
	}
	sum := sha256.Sum256([]byte(key))
	for _, k := range p.keys {
		if k.name == name || k.sum == sum {
			return fmt.Errorf("the key %q has the name or the secret of an earlier one", name)
		}
	}
	p.keys = append(p.keys, PublishKey{name, sum, permits})
	return nil
}

// grantedBy returns the patterns that a key grants if these stand behind it.
func grantedBy(patterns []string) []string {
	if len(patterns) == 0 {
		return []string{">"}
	}
	return patterns
}

// Empty reports whether there are no keys.
func (p PublishKeys) Empty() bool { return len(p.keys) == 0 }

// Has reports whether there is a key of that name.
func (p PublishKeys) Has(name string) bool {
	return slices.ContainsFunc(p.keys, func(k PublishKey) bool { return k.name == name })
}

// Match returns the key that t is, nil if it is none. How long it takes depends on the number of keys and the length of t, not
// on how much of a key was guessed.
func (p PublishKeys) Match(t Token) (key *PublishKey) {
	if t.IsZero() || len(t.Reveal()) > MaxToken {
		return nil
	}
	sum := sha256.Sum256([]byte(t.Reveal()))
	for i := range p.keys {
		if subtle.ConstantTimeCompare(p.keys[i].sum[:], sum[:]) == 1 {
			key = &p.keys[i]
		}
	}
	return key
}
