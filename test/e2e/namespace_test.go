package e2e

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// namespaceEnv is set for a test that runs in a network namespace of its own.
const namespaceEnv = "E2E_NAMESPACE"

// inNamespace runs the rest of the calling test in a network namespace of its own: this test binary is started again for this one test.
func inNamespace(t testing.TB, rest func()) {
	t.Helper()
	if os.Getenv(namespaceEnv) != "" {
		bringUp(t, "lo")
		rest()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$", "-test.timeout=7m")
	cmd.Env = append(os.Environ(), namespaceEnv+"=1", "E2E_BIN="+filepath.Dir(binaries.gateway))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if cmd.Process == nil {
		t.Skipf("a network namespace may not be made here: %v", err)
	}
	t.Logf("in a network namespace:\n%s", out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skip("skipped in the network namespace")
	}
}

// bringUp switches an interface on.
func bringUp(t testing.TB, name string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	request, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatalf("bring up %s: %v", name, err)
	}
}

func sysctlFile(key string) string { return "/proc/sys/" + strings.ReplaceAll(key, ".", "/") }

// sysctl returns the value of a kernel setting; the test is skipped where the kernel lacks it.
func sysctl(t testing.TB, key string) string {
	t.Helper()
	value, err := os.ReadFile(sysctlFile(key))
	if err != nil {
		t.Skip(err)
	}
	return string(value)
}

// setSysctl sets a kernel setting until the test ends; the test is skipped where that is not permitted, also with CI=true: it is nothing that could
// be installed.
func setSysctl(t testing.TB, key, value string) {
	t.Helper()
	before := sysctl(t, key)
	t.Cleanup(func() {
		if err := os.WriteFile(sysctlFile(key), []byte(before), 0); err != nil {
			t.Errorf("put back %s: %v", key, err)
		}
	})
	if err := os.WriteFile(sysctlFile(key), []byte(value), 0); err != nil {
		t.Skip(err)
	}
}

// followConnections makes the kernel follow all connections of this network namespace, as any firewall with a stateful rule does: an nftables
// table with one chain and one rule that reads the state of a connection. It speaks netlink because not every machine has nft.
func followConnections(t testing.TB) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		t.Skipf("nftables: %v", err)
	}
	defer func() { _ = unix.Close(fd) }()
	ct := nested(unix.NFTA_LIST_ELEM, text(unix.NFTA_EXPR_NAME, "ct"), nested(unix.NFTA_EXPR_DATA,
		word(unix.NFTA_CT_DREG, unix.NFT_REG_1), word(unix.NFTA_CT_KEY, unix.NFT_CT_STATE)))
	const request = unix.NLM_F_REQUEST | unix.NLM_F_CREATE
	batch := append(message(unix.NFNL_MSG_BATCH_BEGIN, unix.NLM_F_REQUEST, 0),
		tableMessage(unix.NFT_MSG_NEWTABLE, request, text(unix.NFTA_TABLE_NAME, "t"))...)
	batch = append(batch, tableMessage(unix.NFT_MSG_NEWCHAIN, request, text(unix.NFTA_CHAIN_TABLE, "t"), text(unix.NFTA_CHAIN_NAME, "c"),
		nested(unix.NFTA_CHAIN_HOOK, word(unix.NFTA_HOOK_HOOKNUM, unix.NF_INET_LOCAL_IN), word(unix.NFTA_HOOK_PRIORITY, 0)),
		text(unix.NFTA_CHAIN_TYPE, "filter"))...)
	batch = append(batch, tableMessage(unix.NFT_MSG_NEWRULE, request|unix.NLM_F_APPEND|unix.NLM_F_ACK, text(unix.NFTA_RULE_TABLE, "t"),
		text(unix.NFTA_RULE_CHAIN, "c"), nested(unix.NFTA_RULE_EXPRESSIONS, ct))...)
	batch = append(batch, message(unix.NFNL_MSG_BATCH_END, unix.NLM_F_REQUEST, 0)...)
	if err := unix.Sendto(fd, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(os.NewSyscallError("sendto", err))
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil || n < unix.SizeofNlMsghdr+4 {
		t.Fatalf("nftables: got %d bytes, %v", n, err)
	}
	if errno := syscall.Errno(-int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:]))); errno != 0 {
		t.Skipf("nftables: %v", errno)
	}
}

func tableMessage(kind, flags uint16, attributes ...[]byte) []byte {
	return message(unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags, unix.NFPROTO_IPV4, attributes...)
}

// message is a netlink message with the header of netfilter: family, version 0, and the subsystem that a batch is for.
func message(kind, flags uint16, family byte, attributes ...[]byte) []byte {
	m := make([]byte, unix.SizeofNlMsghdr, 256)
	m = append(m, family, 0, 0, unix.NFNL_SUBSYS_NFTABLES)
	for _, a := range attributes {
		m = append(m, a...)
	}
	binary.NativeEndian.PutUint32(m, uint32(len(m)))
	binary.NativeEndian.PutUint16(m[4:], kind)
	binary.NativeEndian.PutUint16(m[6:], flags)
	return m
}

func attribute(kind uint16, value []byte) []byte {
	a := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	a = append(binary.NativeEndian.AppendUint16(a, kind), value...)
	return append(a, make([]byte, -len(a)&3)...)
}

func text(kind uint16, value string) []byte { return attribute(kind, append([]byte(value), 0)) }

func word(kind uint16, value uint32) []byte {
	return attribute(kind, binary.BigEndian.AppendUint32(nil, value))
}

func nested(kind uint16, attributes ...[]byte) []byte {
	var value []byte
	for _, a := range attributes {
		value = append(value, a...)
	}
	return attribute(kind|unix.NLA_F_NESTED, value)
}
