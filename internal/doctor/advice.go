package doctor

// counsel is what is known about a limit whatever its value.
type counsel struct {
	breaks string // what happens first if it is too low
	myth   string // what popular advice gets wrong, and why
}

// threads is about every bound on threads.
var threads = counsel{
	breaks: "the Go runtime cannot start a thread and ends the process (newosproc: resource temporarily unavailable)",
	myth:   "\"a connection needs a thread\": it needs none here; what counts is the number of processes",
}

// advice has a counsel for each check of internal/limits, by name. What is measured in it is in tuning/README.md.
var advice = map[string]counsel{
	"nofile": {
		breaks: "in a single one the clients beyond that get 503, then accept fails with EMFILE",
		myth: "\"put it into limits.conf\": PAM reads that file for logins, not for services (LimitNOFILE=) or containers (--ulimit); " +
			"and only the hard limit matters, both programs raise the soft one themselves",
	},
	"fs.nr_open": {
		breaks: "raising nofile beyond it is refused (EPERM), even to root, and systemd cuts LimitNOFILE= silently",
		myth:   "\"a high limit takes memory\": a process's table grows with its highest open descriptor, 8 bytes each",
	},
	"memory": {
		breaks: "the kernel reclaims all cache, so that everything slows down, then kills the largest process",
		myth:   "\"top shows what it takes\": most of a connection is in the kernel and belongs to no process",
	},
	"cpu": {
		breaks: "messages come late; clients of a latest topic then skip some, those of an all topic are closed with 4008",
		myth:   "\"more workers\": processes share the same processors; the price is one send for each client and message",
	},
	"fs.file-max": {
		breaks: "accept fails with ENFILE for every program that is not root, and the kernel logs \"file-max limit reached\"",
		myth:   "\"raise it together with ulimit -n\": they are independent, and a process meets its own limit first",
	},
	"fs.epoll.max_user_watches": {
		breaks: "epoll_ctl fails with ENOSPC, \"no space left on device\", and the disk is not meant",
		myth:   "\"more event loops, more room\": all epoll instances of a user count together",
	},
	"pids.max": threads, "kernel.threads-max": threads, "kernel.pid_max": threads,
	"net.ipv4.ip_local_port_range": {
		breaks: "connect fails with EADDRNOTAVAIL on the side that connects, and becomes slow well before",
		myth: "\"a server holds at most 65,535 connections\": it uses one port for all of them; the bound is on the pair of a " +
			"source and a target address, so more of either lift it",
	},
	"net.netfilter.nf_conntrack_max": {
		breaks: "packets of new connections are dropped: connects time out, and the kernel logs \"table full, dropping packet\"",
		myth:   "\"raise it\": better follow none of this port's connections (a notrack rule), which saves the processor time too",
	},
	"net.ipv4.tcp_mem": {
		breaks: "TCP shrinks windows on every socket of the machine, then drops data that has arrived",
		myth:   "\"it is in bytes\": it is in pages; \"idle connections use rmem + wmem each\": they use none of it",
	},
	"net.core.somaxconn": {
		breaks: "in a storm of connects handshakes are put off for 1, 3, 7 s: 9,500 at once took 3.2 s with 4,096, 0.35 s with 65,535",
		myth:   "\"raising it is enough\": listen() takes it over once, so a program that runs keeps the old one until it restarts",
	},
	"net.ipv4.tcp_max_syn_backlog": {
		breaks: "in a storm of connects requests are dropped, and come again after 1, 3, 7 s",
		myth:   "\"raise it for many connections\": with syncookies (the default) the kernel does not look at it",
	},
}
