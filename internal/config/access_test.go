package config

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestAccess(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		want string // part of the complaint; "" if there is none
	}{
		{"all there is", []string{
			"--token-keys=a.pem, b.json,hs256:/run/secret,https://issuer.example/jwks", "--token-audience=gateway", "--token-issuer=https://issuer.example",
			"--token-cookie=session", "--origins=https://*.example.com,http://localhost:3000,*", "--token-leeway=5s", "--token-claim=https://example.com/topics",
		}, ""},
		{"http on loopback", []string{"--token-keys=http://127.0.0.1:8000/jwks"}, ""},
		{"http elsewhere", []string{"--token-keys=http://issuer.example/jwks"}, "unprotected"},
		{"a user", []string{"--token-keys=https://u:p4ssw0rd@issuer.example/jwks"}, "a user in the URL"},
		{"two URLs", []string{"--token-keys=https://a.example/,https://b.example/"}, "two URLs"},
		{"no file", []string{"--token-keys=hs256:"}, "hs256:FILE"},
		{"no host", []string{"--token-keys=https:///jwks"}, "not a URL"},
		{"audience without keys", []string{"--token-audience=x"}, "--token-keys"},
		{"issuer without keys", []string{"--token-issuer=x"}, "--token-keys"},
		{"cookie without origins", []string{"--token-keys=a.pem", "--token-cookie=c"}, "--origins"},
		{"cookie with all origins", []string{"--token-keys=a.pem", "--token-cookie=c", "--origins=*"}, "--origins"},
		{"odd cookie", []string{"--token-keys=a.pem", "--token-cookie=a b", "--origins=https://a.example"}, "not the name of a cookie"},
		{"no claim", []string{"--token-keys=a.pem", "--token-claim="}, "--token-claim"},
		{"long leeway", []string{"--token-leeway=2h"}, "out of range"},
		{"short refresh", []string{"--token-refresh=1s"}, "out of range"},
		{"origin with a path", []string{"--origins=https://a.example/"}, "has a path"},
		{"origin without scheme", []string{"--origins=a.example"}, "not an origin"},
		{"null", []string{"--origins=null"}, "sandboxed"},
		{"asterisk inside", []string{"--origins=https://a.*.example"}, "means nothing"},
		{"asterisk at a name's end", []string{"--origins=https://a*.example"}, "means nothing"},
		{"open publishing", []string{"--open-publish=chat.*, votes.>"}, ""},
		{"open publishing beside tokens", []string{"--open-publish=chat.*", "--token-keys=a.pem"}, "a token says what may be published"},
		{"open publishing of no pattern", []string{"--open-publish=chat.**"}, "--open-publish"},
		{"open publishing for comparison", []string{"--open-publish=chat.*", "--io=gnet"}, "--io=epoll"},
		{"for comparison", []string{"--origins=https://a.example", "--io=gnet"}, "--io=epoll"},
	} {
		var complaints bytes.Buffer
		cfg, _ := Parse(tc.args, io.Discard, &complaints, nil)
		if (cfg != nil) != (tc.want == "") || !strings.Contains(complaints.String(), tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, complaints.String(), tc.want)
		}
		if strings.Contains(complaints.String(), "p4ssw0rd") {
			t.Errorf("%s: got %q, which shows a password", tc.name, complaints.String())
		}
	}
}

// A secret given in the place of its file, and the query of a URL, are not shown.
func TestKeySourcesHideSecrets(t *testing.T) {
	var k KeySources
	if err := k.UnmarshalText([]byte("a.pem,hs256:s,https://issuer.example/jwks?key=secret")); err != nil {
		t.Fatal(err)
	}
	if got, want := k.String(), "a.pem,hs256:s,https://issuer.example/jwks?***"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, secretive := range []any{k, URLs{"nats://u:secret@host:4222"}} {
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "text", secretive)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "json", secretive)
		if logged := fmt.Sprintf("%s %v %+v %s", log.String(), secretive, secretive, secretive); strings.Contains(logged, "secret") {
			t.Errorf("got %q, want no secret in the log", logged)
		}
	}
	if k.URL() != "https://issuer.example/jwks?key=secret" {
		t.Errorf("got URL %q, want the whole one", k.URL())
	}
}

// Origins are kept as browsers send them.
func TestOriginsAreNormal(t *testing.T) {
	var o Origins
	if err := o.UnmarshalText([]byte("HTTPS://App.Example.com:443, http://a.example:80,https://*.example.com:8443,capacitor://localhost")); err != nil {
		t.Fatal(err)
	}
	want := Origins{"https://app.example.com", "http://a.example", "https://*.example.com:8443", "capacitor://localhost"}
	if !slices.Equal(o, want) {
		t.Errorf("got %q, want %q", o, want)
	}
}
