package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Origins are origins of pages, as browsers write them, with * for all or in place of the names below a domain.
type Origins []string

// UnmarshalText parses a comma-separated list of origins.
func (o *Origins) UnmarshalText(text []byte) error {
	var list List
	_ = list.UnmarshalText(text)
	*o = nil
	for _, field := range list {
		origin, err := parseOrigin(field)
		if err != nil {
			return err
		}
		*o = append(*o, origin)
	}
	return nil
}

// parseOrigin returns an origin as browsers send it: in lower case, without the port that goes without saying.
func parseOrigin(text string) (string, error) {
	const remedy = "write https://app.example.com, https://*.example.com, with :port if it has one, or *"
	if text == "*" {
		return text, nil
	}
	u, err := url.Parse(strings.ToLower(text))
	switch {
	case text == "null":
		return "", errors.New("null is any page without an origin of its own, a sandboxed frame for one, and cannot be trusted; " + remedy)
	case err != nil || u.Scheme == "" || u.Hostname() == "" || u.User != nil:
		return "", fmt.Errorf("%q is not an origin; %s", text, remedy)
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("%q has a path, which origins have not; %s", text, remedy)
	case strings.Contains(strings.TrimPrefix(u.Host, "*."), "*") || u.Host == "*." || u.Port() != "" && !validPort(u.Port()):
		return "", fmt.Errorf("%q has a * or a port that means nothing; %s", text, remedy)
	}
	if u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
		host, _, err := net.SplitHostPort(u.Host)
		if err == nil {
			return u.Scheme + "://" + host, nil
		}
	}
	return u.Scheme + "://" + u.Host, nil
}

// named reports whether there is an origin that is not "*".
func (o Origins) named() bool {
	for _, origin := range o {
		if origin != "*" {
			return true
		}
	}
	return false
}

// String is the form that UnmarshalText reads.
func (o Origins) String() string { return strings.Join(o, ",") }
