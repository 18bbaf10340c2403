package netns

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// The addresses of the two ends of a link. Nothing else is reachable in these namespaces, so every pair can have the same.
const (
	ServerAddr = "10.111.0.1"
	ClientAddr = "10.111.0.2"
)

// linkName is the interface at both ends.
const linkName = "cable"

// Link connects two namespaces with a pair of veth interfaces. It needs iproute2's ip.
func Link(server, client *Namespace) error {
	steps := []struct {
		in   *Namespace
		args string
	}{
		// The descriptor 3 of ip is the client's namespace.
		{server, "link add " + linkName + " type veth peer name " + linkName + " netns /proc/self/fd/3"},
		{server, "address add " + ServerAddr + "/24 dev " + linkName},
		{server, "link set " + linkName + " up"},
		{client, "address add " + ClientAddr + "/24 dev " + linkName},
		{client, "link set " + linkName + " up"},
	}
	for _, step := range steps {
		if err := step.in.tool("ip", step.args, client.file); err != nil {
			return fmt.Errorf("link network namespaces: %w", err)
		}
	}
	return nil
}

// Limit limits what a namespace sends over its link to a rate such as 40mbit, with a queue of at most 50 ms as a home router has it. It needs iproute2's tc.
func (ns *Namespace) Limit(rate string) error {
	// The burst holds a packet of 64 KiB, the largest that segmentation offload makes.
	if err := ns.tool("tc", "qdisc add dev "+linkName+" root tbf rate "+rate+" burst 128kb latency 50ms"); err != nil {
		return fmt.Errorf("limit link: %w", err)
	}
	return nil
}

// tool runs a program of iproute2 in the namespace, with files as its descriptors from 3 on.
func (ns *Namespace) tool(name, args string, files ...*os.File) error {
	return ns.Do(func() error {
		cmd := exec.Command(name, strings.Fields(args)...)
		cmd.ExtraFiles = files
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w: %s", name, args, err, strings.TrimSpace(string(out)))
		}
		return nil
	})
}
