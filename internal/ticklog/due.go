package ticklog

import "bytes"

// dueOf returns a payload's intended time: its member "ts", a Unix time in s, ms, µs or ns (protocol.md), as Unix
// nanoseconds; 0 if it has none. It looks at the beginning of the payload only and does not check that it is JSON: a wrong
// guess leaves one tick unexplained.
func dueOf(payload []byte) int64 {
	head := payload[:min(len(payload), dueWithin)]
	_, rest, found := bytes.Cut(head, []byte(`"ts":`))
	if !found {
		return 0
	}
	var n int64
	for _, c := range bytes.TrimLeft(rest, " ") {
		if c < '0' || c > '9' || n > 1<<59 {
			break
		}
		n = 10*n + int64(c-'0')
	}
	if n == 0 {
		return 0
	}
	for n < 1e17 { // the year 1973 in nanoseconds, 5138 in seconds
		n *= 1000
	}
	return n
}

// dueWithin is how far into a payload its time is looked for, in bytes.
const dueWithin = 512
