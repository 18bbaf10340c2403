//go:build race

package epoll

// raceEnabled says that the test runs under the race detector.
const raceEnabled = true
