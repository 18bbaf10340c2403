// Package hub keeps the newest messages of every topic and moves each subscriber's cursor along them.
//
// A [Topic] is a log: a ring of immutable messages with one writer ([Hub.Publish]) and any number of
// readers, which look at its slots through atomics and never lock. A subscriber is a [Cursor] into that log
// and nothing else: there is no queue per subscriber, so a slow one costs 24 bytes whatever its lag.
// A [Message] is encoded once per wire [Format], when the first subscriber of that format needs it.
//
// The log of a pattern is a view: a Topic too, but an index of the messages that its topics hold, so that a subscriber of a
// thousand topics is one cursor as well. [Hub.Open] returns either. The cursors of one connection move together: it gets
// the messages of all its subscriptions in the order of their sequences, each once.
//
// A subscription may be paced ([Cursor.Paced]): it gets at most one message of each topic per interval, the newest.
//
// [Hub.Sweep] forgets messages that are too old, and topics and views that nobody uses.
//
// A [Fanout] belongs to one event loop. It holds the cursors of that loop's connections, learns of news
// from the publisher, and delivers in slices, so that the loop can serve its sockets in between.
//
// The package knows no sockets and no protocol state: frames come from package wire, what to do with a
// frame is the business of the [Sink], and where messages come from that of whoever calls Publish.
package hub
