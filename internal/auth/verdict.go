package auth

import "time"

// Verdict is what a valid token says. It is shared by everybody who presents the same token, and immutable.
type Verdict struct {
	// Subject is the token's sub: who the token is about. Empty if the token does not say.
	Subject string
	// Expires is when the verdict ends: the token's exp and the leeway. Connections that live by it are to be closed
	// then (1008), unless they have brought another token. Zero means never.
	Expires time.Time
	// Permissions are what the token grants; perhaps nothing.
	Permissions Permissions
}

// Anonymous returns the verdict for clients without a token: it grants the given patterns and never expires. A gateway
// without keys, which is open for subscribing, uses Anonymous([]string{">"}, nil).
func Anonymous(subscribe, publish []string) (*Verdict, error) {
	p, err := NewPermissions(subscribe, publish)
	if err != nil {
		return nil, err
	}
	return &Verdict{Permissions: p}, nil
}
