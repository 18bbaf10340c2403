package keyset

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
)

// ParsePEM returns the public keys in data: blocks of type PUBLIC KEY, RSA PUBLIC KEY and CERTIFICATE, of which only the
// key counts. A single key gets id; several, for a rotation, get none, so that each is tried. Private keys are an
// error: the gateway verifies tokens and makes none. Errors do not quote data.
func ParsePEM(id string, data []byte) ([]*Key, error) {
	var keys []*Key
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		key, err := parseBlock(id, block)
		if err != nil {
			return nil, err
		}
		keys, data = append(keys, key), rest
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w %q: no PEM block; write the public key with: openssl pkey -in private.pem -pubout", ErrKey, id)
	}
	if len(keys) > 1 {
		for _, k := range keys {
			k.id = ""
		}
	}
	return keys, nil
}

// LoadPEM is ParsePEM for a file.
func LoadPEM(id, path string) ([]*Key, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	keys, err := ParsePEM(id, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

func parseBlock(id string, block *pem.Block) (*Key, error) {
	var public any
	var err error
	switch {
	case block.Type == "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case block.Type == "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = cert.PublicKey
		}
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, fmt.Errorf("%w %q: it is a private key, which does not belong here; write the public one with: openssl pkey -in private.pem -pubout", ErrKey, id)
	default:
		return nil, fmt.Errorf("%w %q: a PEM block of another type than PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE", ErrKey, id)
	}
	if err != nil {
		return nil, fmt.Errorf("%w %q: %w", ErrKey, id, err)
	}
	return newPublic(id, public)
}
