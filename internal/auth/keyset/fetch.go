package keyset

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// maxBody is the longest JWK set that is read. 64 RSA keys of 4,096 bits with certificates have about 200 KiB.
const maxBody = 256 << 10

// fetch gets the set once. An error says where from, but holds neither keys nor the URL's user and query.
func (r *Remote) fetch(ctx context.Context) ([]*Key, error) {
	body, err := r.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch keys from %s: %w", place(r.url), quiet(err))
	}
	keys, _, err := ParseJWKS(body)
	if err != nil {
		return nil, fmt.Errorf("fetch keys from %s: %w", place(r.url), err)
	}
	return keys, nil
}

func (r *Remote) get(ctx context.Context) (body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // the next fetch is minutes away
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return nil, fmt.Errorf("status %d: redirects are not followed; configure the final URL", resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("status %d, want 200", resp.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if len(body) > maxBody {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxBody)
	}
	return body, err
}
