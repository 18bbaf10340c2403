package config

import (
	"strconv"
	"strings"
	"time"

	"tickgate/internal/topic"
)

// Access is who may subscribe, and publish with a token.
type Access struct {
	// Keys are what tokens (JWT) are verified with. Default none: everybody who reaches Server.Listen subscribes. The keys
	// themselves are no setting, so that they stay out of the list of processes and of logs. Files are read again when they
	// change.
	Keys KeySources `name:"token-keys" placeholder:"SOURCE,..." help:"Ask subscribers for a token (JWT) that one of these verifies: a file of public keys (PEM, or a JWK set), hs256:FILE with a secret, or the https URL of a JWK set. Publishers may bring one as well. Without it everybody subscribes who reaches --listen."`
	// Refresh is how often the set behind a URL is fetched anew. Default 10m. A token with an unknown key id has it fetched
	// earlier, at most once in 10 seconds for each process.
	Refresh time.Duration `name:"token-refresh" default:"10m" placeholder:"DURATION" help:"Fetch the JWK set of --token-keys this often. A token with an unknown key id has it fetched earlier."`
	// Issuers are the accepted values of iss. Default none: iss is not looked at.
	Issuers List `name:"token-issuer" placeholder:"NAME,..." help:"Accept tokens of these issuers (iss) only."`
	// Audiences are the names of this gateway, one of which must be in aud. Default none: aud is not looked at. Danger: an
	// issuer that makes tokens for others as well must be held to this.
	Audiences List `name:"token-audience" placeholder:"NAME,..." help:"Accept tokens for these audiences (aud) only. Needed if the issuer makes tokens for others, too."`
	// Leeway is what clocks may differ: it is added to exp and subtracted from nbf. Default 0.
	Leeway time.Duration `name:"token-leeway" default:"0" placeholder:"DURATION" help:"Let tokens count this much longer, and earlier, for clocks that differ."`
	// Claim is the name of the claim with the patterns. Default tickgate.
	Claim string `name:"token-claim" default:"tickgate" placeholder:"NAME" help:"Claim with the patterns that a token grants, {\"subscribe\":[...],\"publish\":[...]}."`
	// Cookie is the name of a cookie that may hold the token. Default none. It needs Origins.
	Cookie string `name:"token-cookie" placeholder:"NAME" help:"Take the token from this cookie as well, if the page is of one of --origins."`
	// Origins are the origins whose pages may connect. Default none: those of all may, without cookies.
	Origins Origins `name:"origins" placeholder:"ORIGIN,..." help:"Let pages of these origins connect only: https://app.example.com, https://*.example.com (the names below it), or * for all. Programs that are no browsers send no origin and are not concerned."`
	// OpenPublish are the patterns of the topics that clients without a token may publish to, over the subprotocol
	// tickgate.v1. Default none. With Keys it is the token that says so.
	OpenPublish List `name:"open-publish" placeholder:"PATTERN,..." help:"Let everybody who reaches --listen publish to these topics over the WebSocket subprotocol tickgate.v1; default none. With --token-keys a token says what its bearer may publish."`
}

func (a *Access) check(p *Problems) {
	p.within("--token-refresh", a.Refresh, 10*time.Second, 24*time.Hour)
	p.within("--token-leeway", a.Leeway, 0, time.Hour)
	if a.Claim == "" {
		p.add("--token-claim", "", "no name; write tickgate, or the URL that your issuer wants")
	}
	if a.Cookie != "" && !isToken(a.Cookie) {
		p.add("--token-cookie", a.Cookie, "not the name of a cookie; write letters, digits, - and _ only")
	}
	if a.Cookie != "" && !a.Origins.named() {
		p.add("--token-cookie", a.Cookie, "browsers send cookies for pages of any site; name those that may use it with --origins (* does not count)")
	}
	a.checkOpenPublish(p)
	if len(a.Keys) > 0 {
		return
	}
	for _, idle := range []struct {
		setting string
		given   bool
	}{{"--token-issuer", len(a.Issuers) > 0}, {"--token-audience", len(a.Audiences) > 0}, {"--token-cookie", a.Cookie != ""}} {
		if idle.given {
			p.add(idle.setting, "", "no token is asked for without --token-keys, and everybody could subscribe; add it, or leave this out")
		}
	}
}

func (a *Access) checkOpenPublish(p *Problems) {
	const most = 256 // patterns that a permission may have
	for _, pattern := range a.OpenPublish {
		if err := topic.CheckPattern(pattern); err != nil {
			p.add("--open-publish", pattern, err.Error()+"; write patterns such as chat.*,votes.>")
		}
	}
	switch {
	case len(a.OpenPublish) > most:
		p.add("--open-publish", strconv.Itoa(len(a.OpenPublish)), "more than 256 patterns; use wildcards")
	case len(a.OpenPublish) > 0 && len(a.Keys) > 0:
		p.add("--open-publish", a.OpenPublish.String(), "with --token-keys a token says what may be published; leave one of the two out")
	}
}

// isToken reports whether s is a token in the sense of RFC 9110 §5.6.2 as far as anybody uses it.
func isToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}

// List is values with commas between them.
type List []string

// UnmarshalText parses a comma-separated list, without the spaces around its values.
func (l *List) UnmarshalText(text []byte) error {
	*l = nil
	for field := range strings.SplitSeq(string(text), ",") {
		if field = strings.TrimSpace(field); field != "" {
			*l = append(*l, field)
		}
	}
	return nil
}

// String is the form that UnmarshalText reads.
func (l List) String() string { return strings.Join(l, ",") }
