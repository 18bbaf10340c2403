package metrics

import "github.com/prometheus/client_golang/prometheus"

// The gateway's own metrics. None has a worker label: Merge adds it.
var (
	connections    = desc("connections", "Client connections by transport (none before the request head is complete) and state.", "transport", "state")
	maxConnections = desc("max_connections", "Connections that the gateway, with all its workers, takes before it refuses more.")
	accepts        = desc("accepts_total", "Connections taken off the accept queue, those refused included.")
	acceptPauses   = desc("accept_pauses_total", "Times a listener rested because accepting was impossible, by reason.", "reason")
	refusals       = desc("refusals_total", "Connections turned away before their handshake was complete, by reason.", "reason")
	badForwarded   = desc("bad_forwarded_total", "Connections of trusted proxies whose PROXY header or forwarded field did not tell an address, so that they count as the proxy's.")
	uncounted      = desc("uncounted_connections_total", "Connections not held against the bounds on their address, because the table of addresses had no room for it.")
	handshakes     = desc("handshakes_total", "Completed handshakes by transport.", "transport")
	closes         = desc("closes_total", "Accepted connections that ended, in whatever phase, by reason.", "reason")

	commands      = desc("commands_total", "Commands of tickgate.v1 that could be read, by command.", "command")
	commandErrors = desc("command_errors_total", "Commands of tickgate.v1 answered with an error, by its code.", "code")

	subscriptions  = desc("subscriptions", "Open subscriptions.")
	behind         = desc("subscriptions_behind", "Subscriptions that wait for room in their client's socket to catch up.")
	topics         = desc("topics", "Topics with a log in memory.")
	topicBytes     = desc("topics_bytes", "Memory of all topics together: messages, their frames, rings and patterns; bounded by --topics-bytes.")
	evicted        = desc("evicted_messages_total", "Messages dropped before their ring was full because all topics together reached --topics-bytes.")
	messages       = desc("messages_total", "Messages taken from the bus into a topic's log.")
	deliveries     = desc("deliveries_total", "Messages taken by a client's socket, one per message and client.")
	skipped        = desc("skipped_messages_total", "Messages that a client never got because it fell behind, by the topic's policy.", "policy")
	paced          = desc("paced_messages_total", "Messages that a client never got because it asked for fewer (max_rate).")
	conflated      = desc("conflated_messages_total", "Deliveries skipped because the topic had a newer message, those of max_rate included, by the pattern of the rule (--topic-rules) that selects the topic, empty for none; GET /v1/topics has them by topic.", "rule")
	overruns       = desc("overruns_total", "Subscriptions ended because the log had overwritten their next message.")
	overtaken      = desc("fanout_overtaken_total", "Fan-outs that took over a newer message while under way.")
	fanoutDuration = desc("fanout_duration_seconds", "Time from a message's arrival to the end of the fan-out that carried it, once per message and event loop.")
	lagMessages    = desc("slowest_subscriber_lag_messages", "Messages that the slowest subscriber was behind in its last fan-out.")
	lagSeconds     = desc("slowest_subscriber_lag_seconds", "Age of the oldest message that the slowest subscriber still waits for.")

	loopBusy           = desc("loop_busy_seconds_total", "Processor time of an event loop's thread; its rate is the loop's busy share.", "loop")
	loopStuck          = desc("loop_stuck", "Whether an event loop failed to answer this scrape in time (1), so that its numbers are older, or not (0).", "loop")
	loopConnections    = desc("loop_connections", "Connections of an event loop.", "loop")
	receivedBytes      = desc("received_bytes_total", "Bytes read from client sockets.")
	sentBytes          = desc("sent_bytes_total", "Bytes taken by client sockets.")
	shortSends         = desc("short_sends_total", "Sends of which the kernel took only a part (partial) or nothing (blocked).", "outcome")
	blockedConnections = desc("blocked_connections", "Connections whose socket is full.")
	unsentBytes        = desc("unsent_bytes", "Bytes of half-sent frames that are remembered for full sockets.")

	feedTicks   = desc("feed_ticks_total", "Ticks published by the feed.")
	feedLate    = desc("feed_late_ticks_total", "Ticks published more than half an interval after their intended time.")
	feedSkipped = desc("feed_skipped_ticks_total", "Ticks never published because the next one was due.")

	busUp        = desc("bus_up", "Whether the bus is connected and ready (1) or not (0).")
	busPublishes = desc("bus_publishes_total", "Messages stored and acknowledged by the stream.")
	busErrors    = desc("bus_publish_errors_total", "Messages that the stream did not acknowledge, by reason.", "reason")
	busReceived  = desc("bus_received_messages_total", "Messages that arrived from the stream.")

	tokensAccepted = desc("tokens_accepted_total", "Tokens of clients and publishers that were found valid.")
	tokensRefused  = desc("token_refusals_total", "Requests refused because of their token, or of what it does not grant, by reason.", "reason")
	tokensPending  = desc("tokens_pending", "Requests that wait for their token to be verified.")
	tokensCached   = desc("tokens_cached", "Tokens that are known to be valid and need no verification.")
	keyRefreshes   = desc("token_key_refreshes_total", "Times the keys of tokens were read or fetched again, by outcome.", "outcome")

	workerRestarts = desc("worker_restarts_total", "Starts of a worker process after its first one.", workerLabel)
)

// descs is what collector describes: everything above.
var descs = []*prometheus.Desc{
	connections, maxConnections, accepts, acceptPauses, refusals, badForwarded, uncounted, handshakes, closes, commands, commandErrors,
	subscriptions, behind, topics, topicBytes, evicted, messages, deliveries, skipped, paced, conflated, overruns, overtaken, fanoutDuration, lagMessages, lagSeconds,
	loopBusy, loopStuck, loopConnections, receivedBytes, sentBytes, shortSends, blockedConnections, unsentBytes,
	feedTicks, feedLate, feedSkipped,
	busUp, busPublishes, busErrors, busReceived,
	tokensAccepted, tokensRefused, tokensPending, tokensCached, keyRefreshes,
	workerRestarts,
}

const namespace = "tickgate"

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}
