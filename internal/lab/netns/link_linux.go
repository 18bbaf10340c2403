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
		err := step.in.Do(func() error {
			cmd := exec.Command("ip", strings.Fields(step.args)...)
			cmd.ExtraFiles = []*os.File{client.file}
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("ip %s: %w: %s", step.args, err, strings.TrimSpace(string(out)))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("link network namespaces: %w", err)
		}
	}
	return nil
}
