// Package blame says of each slow tick where its time went: the feed, the bus, the hub, a busy event loop, the garbage
// collector, the kernel's queues, or the swarm itself.
//
// It joins two views of the same message. The gateway's private listener tells when the message passed through its parts
// ([Page], GET /debug/ticks); the swarm has seen when it was due, when its last client had read it, and for how long it
// had been readable by then ([Tick]). The way of the delivery that came last is cut into parts that follow one another and
// add up to the tick's delay. What exceeds the part's usual length, the median of the run's ticks that were not slow,
// by the most is the cause: a fan-out that always takes 400 ms is not to blame for a tick of 900 ms with a pause of 500 ms.
//
// The package only computes: it reads no clock, no network and no file.
package blame
