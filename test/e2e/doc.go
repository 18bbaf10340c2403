// Package e2e looks at the gateway and the swarm from outside: its tests build both binaries, start them as real processes on ports of the
// kernel's choice, talk to them over real sockets with the clients that people use (curl, Node's ws, Chromium, gobwas/ws, coder/websocket, those of examples/)
// and kill, starve and flood them. It knows the flags, the wire protocol, the metrics page and nothing of the packages below internal/.
//
// A test whose outside tool is missing is skipped with a line that names the tool; with CI=true it fails instead.
// TICKGATE names are the product's; the harness has two variables of its own: E2E_BIN (a directory with built binaries, instead of building
// them) and E2E_RACE=1 (build them with the race detector).
package e2e
