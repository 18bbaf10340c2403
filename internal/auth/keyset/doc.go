// Package keyset holds the keys that tokens are verified with: secrets, public keys from PEM, and key sets behind a URL
// that are fetched again and again. It reads a token's header and verifies its signature; what the token says is left to
// the caller.
//
// A key belongs to exactly one algorithm, which follows from its type: a token's header can choose among keys, but
// never how a key is used. That leaves no room for algorithm confusion (RFC 8725 §2.1), and "none" is no algorithm here.
//
// Nothing in this package prints a secret or quotes a token: keys are redacted by every verb of package fmt, by slog
// and by encoding/json, and errors about tokens are constants.
package keyset
