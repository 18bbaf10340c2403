// Package floor is the least a Go process can do to push one message a second to very many connections: one thread, one
// epoll instance, one send(2) per connection and message. It is the yardstick for package epoll and for the gateway
// (docs say "× the floor"), and deliberately does none of what makes a server usable: no timers, no back-pressure, no
// limits, no frames from clients, one request in one packet. A connection that cannot take a message whole is closed.
//
// It speaks just enough of WebSocket and SSE for the swarm to connect to it and to check its ticks:
//
//	go run ./internal/epoll/cmd/floor -listen 127.0.0.1:8081
//	swarm … --pid <its process>
//
// Nothing of the gateway imports it.
package floor
