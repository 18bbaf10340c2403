// Package repo holds the rules over the repository that no compiler checks: who may import whom and why not, that every package says what it is
// for, that the documents tell of every flag and link to what exists, and that files and functions stay of a size that can be read.
package repo
