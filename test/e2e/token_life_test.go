package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/auth/tokentest"
)

// TestTokenExpiry: connections end with their token, at a gateway of one process and at one of several.
func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"1", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			g := i.start(t, map[string]string{"workers": workers})
			stays := openSSE(t, "http://"+g.Addr+"/sse", bearer(i.note(i.ed.Sign(claims()))))
			short := i.note(i.es.Sign(claims("exp", fmt.Sprint(time.Now().Add(10*time.Second).Unix()))))
			stream := openSSE(t, "http://"+g.Addr+"/sse", bearer(short))
			socket := openWS(t, "ws://"+g.Addr+"/ws?access_token="+short)
			eventually(t, 60*time.Second, "the end of both connections", func() bool {
				ended, _ := stream.ended()
				closed, code, _, _ := socket.closes()
				return ended && closed && code == ws.StatusPolicyViolation
			})
			if retries, _ := stream.hints(); len(retries) != 2 || retries[1] <= 0 {
				t.Errorf("got hints %v, want one at the start and one at the end", retries)
			}
			if status, _ := try(t, g, "/sse", attempt{header: bearer(short)}); status != http.StatusUnauthorized {
				t.Errorf("got %d for the expired token, want 401", status)
			}
			if ended, err := stays.ended(); ended {
				t.Errorf("got the end of a connection whose token goes on: %v", err)
			}
			if n := sum(g.scrape(t), "tickgate_closes_total", `reason="token_expired"`); n != 2 {
				t.Errorf("got %v connections closed for their token, want 2", n)
			}
		})
	}
}

// TestKeyRotation: new keys count and withdrawn ones do not, in every process, without a restart: those behind a URL when
// a token names them, those in files soon after they changed. Fetches stay rare whatever comes in.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	began := time.Now()
	g := i.start(t, map[string]string{"workers": "2"})
	old := []string{i.note(i.es.Sign(claims())), i.note(i.hs.Sign(claims()))}
	for _, token := range old {
		if status, refusal := try(t, g, "/sse", attempt{header: bearer(token)}); status != http.StatusOK {
			t.Fatalf("got %d %s before the rotation, want 200", status, refusal)
		}
	}
	next, secret := tokentest.ES256("es-2"), strings.Repeat("next", 10)
	i.serve(next)
	writeFile(t, i.secretFile, secret)
	fresh := []string{i.note(next.Sign(claims())), i.note(tokentest.HS256("", []byte(secret)).Sign(claims()))}
	tried := 0
	eventually(t, 90*time.Second, "every process to have the new keys and none of the old", func() bool {
		for range 8 { // connections land on either process
			for _, token := range fresh {
				tried++
				if status, _ := try(t, g, "/sse", attempt{header: bearer(token)}); status != http.StatusOK {
					return false
				}
			}
			for _, token := range old {
				if status, _ := try(t, g, "/sse", attempt{header: bearer(token)}); status != http.StatusUnauthorized {
					return false
				}
			}
		}
		return true
	})
	// The supervisor fetches for publishers, and each process at most every 10 seconds, give or take a tenth.
	const processes = 3
	if most := processes * (2 + int(time.Since(began)/(9*time.Second))); i.requests() > most {
		t.Errorf("got %d fetches in %v with %d tokens of new keys, want at most %d", i.requests(), time.Since(began), tried, most)
	}
	writeFile(t, i.secretFile, "short")
	eventually(t, 60*time.Second, "a complaint about a bad file", func() bool {
		return strings.Count(g.log.String(), "keys of tokens stay as they are") == processes
	})
	if status, refusal := try(t, g, "/sse", attempt{header: bearer(fresh[1])}); status != http.StatusOK {
		t.Errorf("got %d %s after a bad change of the file, want 200", status, refusal)
	}
	if n := sum(g.scrape(t), "tickgate_token_key_refreshes_total", `outcome="error"`); n < processes {
		t.Errorf("got %v failed refreshes, want one for each process", n)
	}
}

// TestSourcesOfKeysThatAreDown: without the key set its tokens are not refused for good, and those of other keys count.
func TestSourcesOfKeysThatAreDown(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.url = "http://127.0.0.1:1/jwks"
	g := i.start(t, nil)
	if status, _ := try(t, g, "/sse", attempt{header: bearer(i.hs.Sign(claims()))}); status != http.StatusOK {
		t.Errorf("got %d for a token of a file, want 200", status)
	}
	status, refusal := try(t, g, "/sse", attempt{header: bearer(i.es.Sign(claims()))})
	if status != http.StatusServiceUnavailable || !strings.Contains(refusal, "Retry-After") {
		t.Errorf("got %d %s for a token of the set, want 503 and Retry-After", status, refusal)
	}
	eventually(t, startWithin, "the failure in the log", func() bool { return strings.Contains(g.log.String(), "keys of tokens cannot be fetched") })
}

// TestWorkerStartsWithBadKeys: a worker that has to be started while a file of keys is in a bad state serves by the keys of
// before, and by the new ones once the file is good again.
func TestWorkerStartsWithBadKeys(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	g := i.start(t, map[string]string{"workers": "2", "loops": "1"})
	token := i.note(i.hs.Sign(claims()))
	writeFile(t, i.secretFile, "short")
	killed := g.workers()
	for _, pid := range killed {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, patience, "two other workers that are ready", func() bool {
		now := g.workers()
		return len(now) == 2 && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(killed, pid) }) &&
			statusOf("http://"+g.Admin+"/readyz") == http.StatusOK
	})
	accepts := func(token string, want int) bool {
		for range 8 { // connections land on either process
			if status, _ := try(t, g, "/sse", attempt{header: bearer(token)}); status != want {
				return false
			}
		}
		return true
	}
	eventually(t, patience, "both workers to take the key from before", func() bool { return accepts(token, http.StatusOK) })
	if !strings.Contains(g.log.String(), "those that the supervisor has read before serve") {
		t.Error("got no word in the log of a file that cannot serve")
	}
	secret := strings.Repeat("next", 10)
	writeFile(t, i.secretFile, secret)
	fresh := i.note(tokentest.HS256("", []byte(secret)).Sign(claims()))
	eventually(t, 90*time.Second, "both workers to take the new key", func() bool {
		return accepts(fresh, http.StatusOK) && accepts(token, http.StatusUnauthorized)
	})
}
