package config

import (
	"encoding/json"
	"io"
	"reflect"
	"testing"
)

func TestConfigSurvivesJSON(t *testing.T) {
	want, code := Parse([]string{
		"--listen=127.0.0.1:0", "--admin=off", "--workers=3", "--feed=replay:a:b.csv", "--feed-interval=10ms",
		"--policy=all", "--topic-rules=a.* policy=all ttl=0,b ring=7 ring-bytes=1MiB", "--data-sync=200ms", "--nats=nats://user:secret@a:4222,tls://b:4222", "--sndbuf=100KiB", "--max-message=12345",
		"--log-level=debug", "--log-format=json", "--write-timeout=0",
		"--token-keys=a.pem,hs256:s,https://issuer.example/jwks?key=secret", "--token-audience=x,y", "--token-cookie=c",
		"--origins=https://a.example,*",
		"--max-conns-per-addr=7", "--connect-rate-per-addr=5/s", "--trusted-proxies=10.0.0.0/8,::1", "--forwarded-header=Forwarded",
		"--proxy-protocol", "--max-inbound-rate=20/s", "--max-inbound-bytes=100KiB/s",
	}, io.Discard, io.Discard, nil)
	if want == nil {
		t.Fatalf("Parse: got exit code %d, want a Config", code)
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Config
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("Unmarshal %s: %v", b, err)
	}
	if !reflect.DeepEqual(&got, want) {
		t.Errorf("after JSON: got %+v, want %+v", got, *want)
	}
}
