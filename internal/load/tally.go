package load

// Tally counts what the clients of one transport have seen. All counters only grow, except that Lost and Conflated
// give back a message that arrives late after all.
type Tally struct {
	// Connections.
	Dialed      int64 // connects begun
	Opened      int64 // handshakes completed
	Disconnects int64 // open connections that ended and were not closed by the swarm
	Left        int64 // connections closed by the swarm itself (churn)
	Hinted      int64 // waits chosen by the server: retry=, retry:, Retry-After
	Resumed     int64 // connects that named a last id

	// Messages.
	Messages  int64
	Bytes     int64 // payload
	Untimed   int64 // without a time: latency unknown
	Untracked int64 // without a sequence number: loss unknown
	Replayed  int64 // due before the connection was open: no latency
	Skewed    int64 // from the future: the clocks of server and swarm differ

	// Sequences, see the package comment.
	Lost       int64
	Conflated  int64
	Duplicates int64
	Reordered  int64
	Missed     int64 // published while the client was away
	Gaps       int64 // gaps the server told of
	Strays     int64 // messages of topics that the client has not asked for
	Backward   int64 // ids that were not above the one before, whatever their topics

	// Protocol.
	Pings int64
	Slow  int64 // clients that stopped reading on purpose
}

// Add adds what others have counted.
func (t *Tally) Add(o *Tally) {
	t.Dialed += o.Dialed
	t.Opened += o.Opened
	t.Disconnects += o.Disconnects
	t.Left += o.Left
	t.Hinted += o.Hinted
	t.Resumed += o.Resumed
	t.Messages += o.Messages
	t.Bytes += o.Bytes
	t.Untimed += o.Untimed
	t.Untracked += o.Untracked
	t.Replayed += o.Replayed
	t.Skewed += o.Skewed
	t.Lost += o.Lost
	t.Conflated += o.Conflated
	t.Duplicates += o.Duplicates
	t.Reordered += o.Reordered
	t.Missed += o.Missed
	t.Gaps += o.Gaps
	t.Strays += o.Strays
	t.Backward += o.Backward
	t.Pings += o.Pings
	t.Slow += o.Slow
}
