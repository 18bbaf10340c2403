// Package bench makes the runs of an experiment: it starts a gateway and a swarm as processes, takes numbers while they work, and stops both.
//
// Every run is cold: new processes, on a free port, in network namespaces of their own if the experiment asks for them. Both are started through a
// shim, a re-execution of lab that sets the descriptor limit and enters the namespace before it becomes the program, and both die with lab
// even if lab is killed. Traffic goes to loopback or to the namespaces, never further.
//
// Left to others: which runs there are and what becomes of the numbers (package lab), and that sysctls find back (package undo).
package bench
