// Package tokentest signs tokens for tests. It uses only the standard library, so that the product's library for tokens
// is not tested with itself.
package tokentest
