package doctor

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The layout of sock_diag(7): struct inet_diag_req_v2 and inet_diag_msg.
const (
	diagByFamily  = 20 // SOCK_DIAG_BY_FAMILY
	diagListening = 1 << 10
	diagRequest   = unix.SizeofNlMsghdr + 56
	diagPort      = 4  // id.idiag_sport, big endian
	diagWaiting   = 56 // idiag_rqueue: for a listener, connections that wait
	diagMost      = 60 // idiag_wqueue: its backlog
	diagMessage   = 72
)

// backlogs asks the kernel for the accept queues of all listeners on a TCP port of this network namespace. A kernel or
// container that does not tell has none.
func backlogs(port uint16) (found []Backlog, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return nil, nil
	}
	defer func() { _ = unix.Close(fd) }()
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		part, err := dump(fd, family, port)
		if err != nil {
			return nil, fmt.Errorf("list listening sockets: %w", err)
		}
		found = append(found, part...)
	}
	return found, nil
}

func dump(fd int, family byte, port uint16) (found []Backlog, err error) {
	request := make([]byte, diagRequest)
	binary.NativeEndian.PutUint32(request[0:], diagRequest)
	binary.NativeEndian.PutUint16(request[4:], diagByFamily)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request[16], request[17] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(request[20:], diagListening)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 1<<16)
	for {
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if err != nil {
			return nil, os.NewSyscallError("recvfrom", err)
		}
		part, more := listeners(answer[:n], port)
		found = append(found, part...)
		if !more {
			return found, nil
		}
	}
}

// listeners reads one batch of netlink messages, and reports whether another one follows.
func listeners(batch []byte, port uint16) (found []Backlog, more bool) {
	for len(batch) >= unix.SizeofNlMsghdr {
		size := int(binary.NativeEndian.Uint32(batch))
		kind := binary.NativeEndian.Uint16(batch[4:])
		if size < unix.SizeofNlMsghdr || size > len(batch) || kind == unix.NLMSG_DONE || kind == unix.NLMSG_ERROR {
			return found, false
		}
		if body := batch[unix.SizeofNlMsghdr:size]; len(body) >= diagMessage && binary.BigEndian.Uint16(body[diagPort:]) == port {
			found = append(found, Backlog{
				Waiting: int64(binary.NativeEndian.Uint32(body[diagWaiting:])), Most: int64(binary.NativeEndian.Uint32(body[diagMost:])),
			})
		}
		batch = batch[min(len(batch), (size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1)):]
	}
	return found, true
}
