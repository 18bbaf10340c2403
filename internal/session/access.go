package session

import (
	"errors"
	"fmt"
	"net/http"

	"tickgate/internal/auth"
	"tickgate/internal/topic"
	"tickgate/internal/wire"
)

// Access is who may open a session. The zero value lets everybody subscribe to everything, from pages of any origin.
type Access struct {
	// Verifier verifies the tokens that subscribing takes. nil asks for none.
	Verifier *auth.Verifier
	// Cookie is the name of a cookie that may hold the token. Default: none may. A token from a cookie counts only if
	// Origins trusts the page's origin, or if the browser says that the page is the gateway's own.
	Cookie string
	// Origins are those whose pages may use the gateway. Default: all, without cookies.
	Origins auth.Origins
}

// errOrigin refuses a page that may not use the gateway, or not with its cookie.
var errOrigin = &wire.HTTPError{
	Status: http.StatusForbidden, Code: "origin_not_allowed", Message: "pages of this origin may not connect, or not with a cookie",
}

// admit finds out what the client may do: nil stands for everything. errWaits says that decide will be called.
func (l *Loop) admit(c *conn, r *wire.Request, t Transport) (*auth.Verdict, error) {
	a := &l.cfg.Access
	if t == Echo {
		return nil, nil
	}
	// Whoever opens a WebSocket from a page may read it: browsers ask for no CORS fields there (RFC 6455 §10.2).
	origin := originOf(r)
	if t == WebSocket && origin != "" && !a.Origins.Allows(origin) {
		return nil, errOrigin
	}
	if a.Verifier == nil {
		return nil, nil
	}
	found, err := auth.FromRequest(r, &l.subscribe, a.Cookie)
	if err != nil {
		a.Verifier.Refused(err)
		return nil, err
	}
	if found.Source == auth.FromCookie && !a.trusts(r, origin) {
		return nil, errOrigin
	}
	return l.check(c, r, found.Token)
}

// trusts reports whether a cookie counts. Without Origin, which browsers leave out where a page of the same origin fetches
// something, their word is needed that this is the case (W3C Fetch Metadata §2.2): scripts cannot set that field.
func (a *Access) trusts(r *wire.Request, origin string) bool {
	if origin == "" {
		return string(r.Header("sec-fetch-site")) == "same-origin"
	}
	return a.Origins.Trusts(origin)
}

// cors returns whose scripts may read the answer to r.
func (l *Loop) cors(r *wire.Request) wire.CORS {
	a, origin := &l.cfg.Access, originOf(r)
	trusted := a.Origins.Trusts(origin)
	switch {
	case trusted && a.Cookie != "":
		return wire.CORS{Origin: origin, Credentials: true}
	case a.Origins.Any():
		return wire.CORS{Origin: "*"}
	case trusted:
		return wire.CORS{Origin: origin}
	}
	return wire.CORS{}
}

// originOf returns the origin of the page that makes a request; empty if none says so, or if the head is malformed.
func originOf(r *wire.Request) string {
	if r.Raw == nil {
		return ""
	}
	return string(r.Header("origin"))
}

// granted returns an error to refuse the request with if the verdict does not grant a topic or pattern. What is neither is
// refused by others.
func (l *Loop) granted(v *auth.Verdict, name string) error {
	if v == nil || !topic.ValidPattern(name) || v.Permissions.MaySubscribe(name) {
		return nil
	}
	l.cfg.Access.Verifier.Refused(auth.ErrForbidden)
	refusal := *auth.ErrForbidden.HTTP
	refusal.Message = fmt.Sprintf("the token does not grant subscribing to %q", quote(name))
	return &refusal
}

// refusalOf is what to refuse a request with because of its token. What is the gateway's own trouble gets a time to come
// back that others do not get.
func (l *Loop) refusalOf(err error) error {
	var refused *wire.HTTPError
	if errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable {
		return l.unavailable(refused.Code, refused.Message)
	}
	return err
}
