// Package interrupt turns the signals that ask a program to end into wishes: the first one to end in order, the next one to end at once.
//
// One wish often arrives as two signals: timeout(1) signals its child and then the process group that the child is in, and a supervisor passes on to
// its workers what a terminal has sent to all of them. Signals that follow each other within Echo are therefore one wish.
package interrupt

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Echo is how long after a signal another one belongs to the same wish: longer than a busy machine takes to deliver both, and shorter than a person
// takes to see that nothing has happened yet.
const Echo = 250 * time.Millisecond

// Notify returns a channel of wishes and a function that ends the notification and lets signals have their default effect again. It is to be called
// once the program no longer waits for wishes; until then SIGINT and SIGTERM do nothing else.
func Notify() (wishes <-chan os.Signal, stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	out, done := make(chan os.Signal, 2), make(chan struct{})
	go relay(signals, out, done)
	return out, func() {
		signal.Stop(signals)
		close(done)
	}
}

// relay passes on a signal unless it is the echo of the one before.
func relay(signals <-chan os.Signal, out chan<- os.Signal, done <-chan struct{}) {
	var last time.Time
	for {
		select {
		case sig := <-signals:
			if now := time.Now(); now.Sub(last) > Echo {
				last = now
				select {
				case out <- sig:
				default: // two wishes wait already
				}
			}
		case <-done:
			return
		}
	}
}
