package sample

import (
	"net/url"
	"regexp"
	"strings"
)

// Redacted stands where a secret was.
const Redacted = "REDACTED"

// secret matches the names of flags, query parameters, header fields and environment variables whose values nobody should read in a report.
var secret = regexp.MustCompile(`(?i)(token|secret|passw|pwd|credential|authori[sz]ation|cookie|api-?_?key|private-?_?key|nkey|signature|jwt|bearer)`)

// Redact returns a command line without its secrets: values of flags and headers whose names say so, and what stands before the @ or in such
// parameters of URLs.
func Redact(args []string) []string {
	clean := make([]string, len(args))
	hide := false // the next argument is a secret flag's value
	for i, arg := range args {
		if hide && !strings.HasPrefix(arg, "--") {
			clean[i], hide = Redacted, false
			continue
		}
		clean[i], hide = redact(arg)
	}
	return clean
}

// redact cleans an argument, and reports whether the next one is its secret value.
func redact(arg string) (clean string, hide bool) {
	name, value, joined := strings.Cut(arg, "=")
	flag := strings.HasPrefix(name, "-")
	switch {
	case flag && !joined:
		return arg, secret.MatchString(name)
	case flag && secret.MatchString(name):
		return name + "=" + Redacted, false
	case flag:
		value, _ = redact(value)
		return name + "=" + value, false
	}
	if field, _, ok := strings.Cut(arg, ":"); ok && secret.MatchString(field) && !strings.ContainsAny(field, " /{") {
		return field + ": " + Redacted, false
	}
	return RedactURL(redactMembers(arg)), false
}

// member is a member of a JSON object whose value is a string, such as what a client sends to say who it is.
var member = regexp.MustCompile(`"([^"\\]*)"(\s*:\s*)"(?:[^"\\]|\\.)*"`)

// redactMembers hides the values of JSON members whose names say that they are secrets.
func redactMembers(text string) string {
	return member.ReplaceAllStringFunc(text, func(found string) string {
		if parts := member.FindStringSubmatch(found); secret.MatchString(parts[1]) {
			return `"` + parts[1] + `"` + parts[2] + `"` + Redacted + `"`
		}
		return found
	})
}

// RedactExample returns what is told of a failure, which begins with the target's URL, without the URL's secrets.
func RedactExample(text string) string {
	target, rest, ok := strings.Cut(text, ": ")
	if !ok {
		return RedactURL(text)
	}
	return RedactURL(target) + ": " + rest
}

// RedactURL returns URLs, separated by commas, without passwords, user names and secret parameters. What is no URL stays as it is.
func RedactURL(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	parts := strings.Split(text, ",")
	for i, part := range parts {
		parts[i] = redactOne(part)
	}
	return strings.Join(parts, ",")
}

func redactOne(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return Redacted // half a URL may hide anything
	}
	changed := u.User != nil
	if changed {
		u.User = url.User(Redacted) // nats://TOKEN@host has it where others have a name
	}
	pairs := strings.Split(u.RawQuery, "&")
	for i, pair := range pairs {
		if name, _, ok := strings.Cut(pair, "="); ok && secret.MatchString(name) {
			pairs[i], changed = name+"="+Redacted, true
		}
	}
	if !changed {
		return text
	}
	u.RawQuery = strings.Join(pairs, "&")
	return u.String()
}
