package config

import "strings"

// The settings travel from the supervisor to its workers as JSON. What is read with UnmarshalText is written with
// MarshalText, so that a Config comes back as it was.

// MarshalText implements encoding.TextMarshaler.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (w Workers) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (a Admin) MarshalText() ([]byte, error) {
	if a.Addr == "" {
		return []byte("off"), nil
	}
	return []byte(a.Addr), nil
}

// MarshalText implements encoding.TextMarshaler.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalText implements encoding.TextMarshaler. Unlike String it keeps the credentials.
func (u URLs) MarshalText() ([]byte, error) { return []byte(strings.Join(u, ",")), nil }

// MarshalText implements encoding.TextMarshaler.
func (r Rules) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (s Sync) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (l List) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// MarshalText implements encoding.TextMarshaler. Unlike String it keeps the queries of URLs, for worker processes.
func (k KeySources) MarshalText() ([]byte, error) {
	return []byte(k.list(func(url string) string { return url })), nil
}

// MarshalText implements encoding.TextMarshaler.
func (o Origins) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (r ByteRate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (n Networks) MarshalText() ([]byte, error) { return []byte(n.String()), nil }
