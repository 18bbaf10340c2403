package auth

import (
	"bytes"
	"net/http"

	"tickgate/internal/wire"
)

// Source is where in a request a token was.
type Source uint8

// The sources, in their order of precedence.
const (
	NoSource   Source = iota
	FromHeader        // Authorization: Bearer (RFC 6750 §2.1)
	FromQuery         // access_token (RFC 6750 §2.3), for browsers, which set no headers on EventSource and WebSocket
	FromCookie        // sent by browsers on their own
)

// Credential is a token and where it came from. A token from a cookie says nothing about who made the page that opened
// the connection: it counts only together with a check of Origin (cross-site WebSocket hijacking).
type Credential struct {
	Token  Token
	Source Source
}

// FromRequest finds the token of a request: in the Authorization field, else in the query, which wire.ParseSubscribe has
// read into s, else in the cookie of that name, unless the name is empty. Without one it returns the zero Credential;
// Authorization with another scheme than Bearer is somebody else's.
//
// Header and query with different tokens are ErrConflict, and so are several different ones in one place. A cookie next
// to them is not, because browsers send it unasked: it is ignored then. ErrMalformed is a Bearer without a token.
func FromRequest(r *wire.Request, s *wire.Subscribe, cookie string) (Credential, error) {
	header, err := bearer(r)
	if err != nil {
		return Credential{}, err
	}
	switch query := s.AccessToken; {
	case header != "" && query != "" && header != query:
		return Credential{}, ErrConflict
	case header != "":
		return Credential{NewToken(header), FromHeader}, nil
	case query != "":
		return Credential{NewToken(query), FromQuery}, nil
	case cookie == "":
		return Credential{}, nil
	}
	value, err := cookieValue(r, cookie)
	if value == "" || err != nil {
		return Credential{}, err
	}
	return Credential{NewToken(value), FromCookie}, nil
}

// agreed is the value that several places of a request agree on.
type agreed struct {
	value []byte
	err   error // the first trouble
}

func (a *agreed) add(v []byte) {
	switch {
	case a.err != nil:
	case len(v) == 0:
		a.err = ErrMalformed
	case a.value == nil:
		a.value = v
	case !bytes.Equal(a.value, v):
		a.err = ErrConflict
	}
}

// addBearer adds the token of an Authorization field, unless that is of another scheme.
func (a *agreed) addBearer(value []byte) {
	scheme, token, _ := bytes.Cut(value, []byte(" "))
	if bytes.EqualFold(scheme, []byte("bearer")) {
		a.add(bytes.Trim(token, " "))
	}
}

func (a *agreed) result() (string, error) {
	if a.err != nil {
		return "", a.err
	}
	return string(a.value), nil
}

// bearer returns the token of the Authorization fields.
func bearer(r *wire.Request) (string, error) {
	var a agreed
	eachField(r, "authorization", a.addBearer)
	return a.result()
}

// FromHTTP is FromRequest for the private listener: publishers are programs, and present a token or a publish key in the
// Authorization field. Without one it returns the zero Token.
func FromHTTP(r *http.Request) (Token, error) {
	var a agreed
	for _, value := range r.Header["Authorization"] {
		a.addBearer([]byte(value))
	}
	token, err := a.result()
	return NewToken(token), err
}

// cookieValue returns the value of the cookies of that name (RFC 6265 §4.2.1), without quotes around it. An empty one has
// been deleted in a way that browsers know, and is none.
func cookieValue(r *wire.Request, name string) (string, error) {
	var a agreed
	eachField(r, "cookie", func(value []byte) {
		for pair := range bytes.SplitSeq(value, []byte(";")) {
			n, v, _ := bytes.Cut(bytes.Trim(pair, " \t"), []byte("="))
			if v = bytes.Trim(v, `"`); string(n) == name && len(v) > 0 {
				a.add(v)
			}
		}
	})
	return a.result()
}

// eachField calls f with the value of each field called name, in lower case. wire.Request.Header has only the first, and
// a second one that is overlooked is a way around a proxy that looks at the second.
func eachField(r *wire.Request, name string, f func(value []byte)) {
	if r.Header(name) == nil {
		return
	}
	_, lines, _ := bytes.Cut(r.Raw, []byte("\r\n"))
	for line := range bytes.SplitSeq(lines, []byte("\r\n")) {
		n, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(n, []byte(name)) {
			f(bytes.Trim(value, " \t"))
		}
	}
}
