// Package sample reads what a server costs while it is under load, from outside: memory, processor time and waiting of
// its processes, the kernel's socket memory, and the page of metrics of a Go server.
//
// Everything comes from /proc and one HTTP request and needs no cooperation.
//
// Left to others: when to sample, and what the numbers mean (load/report).
package sample
