package keyset

import (
	"fmt"
	"strings"
	"testing"

	"tickgate/internal/auth/tokentest"
)

// BenchmarkVerify: go test -run=^$ -bench=Verify ./internal/auth/keyset
func BenchmarkVerify(b *testing.B) {
	hs := tokentest.HS256("", testSecret)
	for _, s := range []*tokentest.Signer{hs, testRSA(), tokentest.ES256(""), tokentest.EdDSA("")} {
		key := hmacKey(b, "", testSecret)
		if s != hs {
			key = publicKey(b, s)
		}
		token := s.Sign(`{"sub":"somebody","exp":1790000000,"tickgate":{"subscribe":["price.*"]}}`)
		b.Run(s.Algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := key.Verify(token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReadHeader is what every token costs that is not in the cache: a usual one, and the worst there can be.
func BenchmarkReadHeader(b *testing.B) {
	worst := `{"alg":"EdDSA"`
	for i := 10; len(worst) < 730; i++ {
		worst += fmt.Sprintf(`,"%d":0`, i)
	}
	for name, header := range map[string]string{"usual": `{"alg":"EdDSA","typ":"JWT","kid":"some-key"}`, "worst": worst + "}"} {
		token := tokentest.EdDSA("").SignHeader(header, strings.Repeat(" ", 5000)+"{}")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ReadHeader(token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
