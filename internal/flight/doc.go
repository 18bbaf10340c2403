// Package flight keeps the last seconds of the Go runtime's execution trace in memory and writes them to a file when
// something went wrong: who ran, who waited for what, and what the collector did just before.
//
// A [Recorder] writes seldom and little, whatever happens: at most one file in a while, a bounded number of files of
// bounded size, the oldest of which give way. A disk that is full costs the file and a warning.
//
// The package knows nothing of ticks: why a file is written is part of the name that its caller gives it.
package flight
