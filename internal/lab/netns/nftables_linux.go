package netns

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const tableName = "lab"

// A chain's verdicts for packets that no rule decided about (linux/netfilter.h).
const (
	drop   = 0
	accept = 1
)

// Silence drops every IPv4 packet that arrives in the namespace or leaves its processes, without a word to anybody: what a pulled cable looks like from
// the other end.
func (ns *Namespace) Silence() error {
	in := chain{name: "in", hook: unix.NF_INET_LOCAL_IN, policy: drop}
	out := chain{name: "out", hook: unix.NF_INET_LOCAL_OUT, policy: drop}
	return ns.nftables(newTable(), in.message(), out.message())
}

// Track makes netfilter follow every connection of the namespace: a rule that asks for a packet's connection state is what switches it on.
func (ns *Namespace) Track() error {
	pre := chain{name: "pre", hook: unix.NF_INET_PRE_ROUTING, policy: accept}
	return ns.nftables(newTable(), pre.message(), pre.loadConnectionState())
}

// message is an nftables message without its netlink header.
type message struct {
	kind    uint16
	flags   uint16
	payload []byte
}

func newTable() message {
	return message{unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, text(unix.NFTA_TABLE_NAME, tableName)}
}

// chain is a base chain of our table.
type chain struct {
	name   string
	hook   uint32
	policy uint32
}

func (c chain) message() message {
	return message{unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE, join(
		text(unix.NFTA_CHAIN_TABLE, tableName),
		text(unix.NFTA_CHAIN_NAME, c.name),
		text(unix.NFTA_CHAIN_TYPE, "filter"),
		nested(unix.NFTA_CHAIN_HOOK, number(unix.NFTA_HOOK_HOOKNUM, c.hook), number(unix.NFTA_HOOK_PRIORITY, 0)),
		number(unix.NFTA_CHAIN_POLICY, c.policy),
	)}
}

// loadConnectionState is a rule that loads the state into a register and does nothing with it.
func (c chain) loadConnectionState() message {
	load := nested(unix.NFTA_EXPR_DATA, number(unix.NFTA_CT_DREG, unix.NFT_REG_1), number(unix.NFTA_CT_KEY, unix.NFT_CT_STATE))
	return message{unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE | unix.NLM_F_APPEND, join(
		text(unix.NFTA_RULE_TABLE, tableName),
		text(unix.NFTA_RULE_CHAIN, c.name),
		nested(unix.NFTA_RULE_EXPRESSIONS, nested(unix.NFTA_LIST_ELEM, text(unix.NFTA_EXPR_NAME, "ct"), load)),
	)}
}

// nftables sends the messages as one transaction, which the kernel takes as a whole or not at all.
func (ns *Namespace) nftables(messages ...message) error {
	batch := header(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES, nil)
	for _, m := range messages {
		batch = append(batch, header(unix.NFNL_SUBSYS_NFTABLES<<8|m.kind, m.flags|unix.NLM_F_ACK, unix.AF_INET, 0, m.payload)...)
	}
	batch = append(batch, header(unix.NFNL_MSG_BATCH_END, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES, nil)...)
	err := ns.Do(func() error { return exchange(batch, len(messages)) })
	if err != nil {
		return fmt.Errorf("set nftables rules: %w", err)
	}
	return nil
}

// exchange sends a batch and reads the given number of acknowledgements, or the first error.
func exchange(batch []byte, acks int) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	// The kernel answers at once; a timeout keeps a surprise from hanging the experiment.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Sendto(fd, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 1<<16)
	for acks > 0 {
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		got, err := acknowledged(answer[:n])
		if err != nil {
			return err
		}
		acks -= got
	}
	return nil
}

// acknowledged counts the acknowledgements in what the kernel sent; each is an error message (netlink(7)) with the number 0.
func acknowledged(answer []byte) (acks int, err error) {
	for len(answer) >= unix.SizeofNlMsghdr+4 {
		size := binary.NativeEndian.Uint32(answer)
		if binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR {
			if errno := -int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
				return acks, unix.Errno(errno)
			}
			acks++
		}
		if int(size) < unix.SizeofNlMsghdr || align(int(size)) >= len(answer) {
			break
		}
		answer = answer[align(int(size)):]
	}
	return acks, nil
}

// header prepends a netlink header and the one of netfilter, whose resource is big-endian (linux/netfilter/nfnetlink.h).
func header(kind, flags uint16, family uint8, resource uint16, payload []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+4+len(payload)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags|unix.NLM_F_REQUEST)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // sequence number and port: one exchange per socket needs neither
	b = append(b, family, unix.NFNETLINK_V0)
	b = binary.BigEndian.AppendUint16(b, resource)
	return append(b, payload...)
}

func attribute(kind uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, align(len(b))-len(b))...)
}

func text(kind uint16, value string) []byte { return attribute(kind, append([]byte(value), 0)) }

// number is a 32-bit attribute; nftables wants them big-endian.
func number(kind uint16, value uint32) []byte {
	return attribute(kind, binary.BigEndian.AppendUint32(nil, value))
}

func nested(kind uint16, attributes ...[]byte) []byte {
	return attribute(kind|unix.NLA_F_NESTED, join(attributes...))
}

func join(parts ...[]byte) (all []byte) {
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// align rounds up to the multiple of four that netlink pads to.
func align(n int) int { return (n + 3) &^ 3 }
