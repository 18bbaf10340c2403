package config

import (
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	c := parse(t, strings.Fields("--max-conns-per-addr=7 --connect-rate-per-addr=5/s --trusted-proxies=10.1.2.3/8,192.0.2.1,::1,::ffff:198.51.100.0/120 --proxy-protocol=on"), nil)
	a := c.Addresses
	if got, want := a.TrustedProxies.String(), "10.0.0.0/8,192.0.2.1/32,::1/128,198.51.100.0/24"; got != want {
		t.Errorf("trusted: got %s, want %s", got, want)
	}
	if a.MaxConns != 7 || a.ConnectRate != 5 || a.Burst() != 50 || !a.ProxyProtocol || !a.Bound() {
		t.Errorf("got %+v with a burst of %d, want what was given and 50", a, a.Burst())
	}
	off := parse(t, strings.Fields("--max-inbound-rate=off --max-inbound-bytes=0 --connect-rate-per-addr=3 --connect-burst-per-addr=4"), nil)
	if off.Clients.MaxInboundRate != 0 || off.Clients.MaxInboundBytes != 0 || off.Addresses.Burst() != 4 {
		t.Errorf("got %+v and a burst of %d, want no bounds and 4", off.Clients, off.Addresses.Burst())
	}
	if def := parse(t, nil, nil).Addresses; def.Bound() {
		t.Errorf("default: got %+v, want no bounds on addresses", def)
	}
	if got := parse(t, []string{"--trusted-proxies=0.0.0.0/0"}, nil).Warnings; len(got) != 1 || !strings.Contains(got[0], "--trusted-proxies") {
		t.Errorf("everybody trusted: got warnings %q, want one", got)
	}
}

// TestAddressProblems: each of the settings wrong, all told at once.
func TestAddressProblems(t *testing.T) {
	got := refuse(t, []string{
		"--max-conns-per-addr=-1", "--connect-rate-per-addr=fast", "--connect-burst-per-addr=5", "--trusted-proxies=10.0.0.0/40",
		"--forwarded-header=via", "--proxy-protocol", "--max-inbound-rate=-3/s", "--max-inbound-bytes=10/s",
	}, nil)
	want := []string{
		"--connect-rate-per-addr=fast: not a rate; write a whole number a second such as 20/s, or 0 for no bound",
		"--trusted-proxies=10.0.0.0/40: 10.0.0.0/40 is not a network; write 10.0.0.0/8, 192.0.2.1, fd00::/8 or several with commas between them",
		"--forwarded-header=via: not a field that is known; write x-forwarded-for or forwarded",
		"--max-inbound-rate=-3: out of range; use 0 to 100000",
		"--max-inbound-bytes=10B/s: out of range; use 1KiB/s to 16GiB/s, or 0 for none",
		"--max-conns-per-addr=-1: out of range; use 0 to 16000000",
		"--connect-burst-per-addr=5: there is no rate that it could exceed; set --connect-rate-per-addr as well, such as 5/s",
		"--proxy-protocol: nobody's PROXY header would be believed; name the proxies with --trusted-proxies, such as 10.0.0.0/8",
	}
	if strings.Join(got, "\n") != "  "+strings.Join(want, "\n  ") {
		t.Errorf("got\n%s\nwant\n  %s", strings.Join(got, "\n"), strings.Join(want, "\n  "))
	}
	for args, want := range map[string]string{
		"--max-inbound=64MiB --max-inbound-bytes=1KiB/s":                   "--max-inbound-bytes=1KiB/s: a message of --max-inbound (64MiB) would take more than ten minutes; raise it, or lower --max-inbound",
		"--io=gnet --max-conns-per-addr=3":                                 "--io=gnet: only for comparison: bounds on addresses and --trusted-proxies need --io=epoll",
		"--forwarded-header=forwarded":                                     "--forwarded-header=forwarded: nobody's would be believed; name the proxies with --trusted-proxies, such as 10.0.0.0/8",
		"--max-inbound-bytes=much":                                         "--max-inbound-bytes=much: not a rate of bytes; write a size a second such as 64KiB/s, or 0 for no bound",
		"--trusted-proxies=fe80::1%eth0":                                   "--trusted-proxies=fe80::1%eth0: fe80::1%eth0 is not a network; write 10.0.0.0/8, 192.0.2.1, fd00::/8 or several with commas between them",
		"--trusted-proxies=10.0.0.0/8 --connect-rate-per-addr=1000001":     "--connect-rate-per-addr=1000001: out of range; use 0 to 1000000",
		"--trusted-proxies=10.0.0.0/8 --connect-rate-per-addr=-1 --feed=9": "--connect-rate-per-addr=-1: out of range; use 0 to 1000000",
	} {
		if got := refuse(t, strings.Fields(args), nil); !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s: got %q, want %q", args, got, want)
		}
	}
}
