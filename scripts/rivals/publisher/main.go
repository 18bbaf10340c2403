// Command publisher sends one 120-byte JSON tick a second, at the full second, through the HTTP publish API of another push server.
//
//	publisher -kind centrifugo|mercure|nchan -url URL [-secret KEY]
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// size is that of a tick in bytes, as tickgate's feed pads it for the comparison.
const size = 120

// api is how one server wants to be published to.
type api struct {
	contentType string
	header      func(secret string) (name, value string) // authorises; nil if nothing does
	body        func(tick []byte) []byte
}

var apis = map[string]api{
	"centrifugo": {
		contentType: "application/json",
		header:      func(secret string) (name, value string) { return "X-Api-Key", secret },
		body:        func(tick []byte) []byte { return fmt.Appendf(nil, `{"channel":"ticks","data":%s}`, tick) },
	},
	"mercure": {
		contentType: "application/x-www-form-urlencoded",
		header:      func(secret string) (name, value string) { return "Authorization", "Bearer " + token(secret) },
		body: func(tick []byte) []byte {
			return []byte(url.Values{"topic": {"ticks"}, "data": {string(tick)}}.Encode())
		},
	},
	"nchan": {contentType: "application/json", body: func(tick []byte) []byte { return tick }},
}

func main() {
	kind := flag.String("kind", "", "centrifugo, mercure or nchan")
	target := flag.String("url", "", "publish URL")
	secret := flag.String("secret", "", "API key, or secret of a JWT")
	flag.Parse()
	server, known := apis[*kind]
	if !known || *target == "" {
		fmt.Fprintf(os.Stderr, "publisher: -kind %q -url %q: want centrifugo, mercure or nchan, and a URL\n", *kind, *target)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	at := time.Now().Truncate(time.Second)
	for seq := uint64(1); ; seq++ {
		at = at.Add(time.Second)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(at)):
		}
		body := server.body(tick(seq, at))
		go func() { // a slow answer must not delay the next tick
			if err := server.post(ctx, *target, *secret, body); err != nil {
				fmt.Fprintf(os.Stderr, "publisher: tick %d: %v\n", seq, err)
			}
		}()
	}
}

// tick returns the payload.
func tick(seq uint64, at time.Time) []byte {
	head := fmt.Sprintf(`{"sym":"ACME","price":101.25,"seq":%d,"ts":%d,"pad":"`, seq, at.UnixNano())
	return []byte(head + strings.Repeat("x", size-len(head)-len(`"}`)) + `"}`)
}

// post publishes one tick.
func (a api) post(ctx context.Context, target, secret string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	req.Header.Set("Content-Type", a.contentType)
	if a.header != nil {
		req.Header.Set(a.header(secret))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("answered %s: %.100q", resp.Status, answer)
	}
	return err
}

// token returns a JWT (RFC 7519) that lets Mercure's publisher publish everywhere.
func token(secret string) string {
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc.EncodeToString([]byte(`{"mercure":{"publish":["*"]}}`))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + enc.EncodeToString(mac.Sum(nil))
}
