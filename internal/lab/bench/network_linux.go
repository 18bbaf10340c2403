package bench

import (
	"errors"
	"fmt"
	"strings"

	"tickgate/internal/lab"
	"tickgate/internal/lab/netns"
	"tickgate/internal/lab/sysctl"
	"tickgate/internal/lab/undo"
)

// network is where the two programs meet. Both namespaces are nil for the machine's own loopback, and the same for a private one.
type network struct{ server, client *netns.Namespace }

func openNetwork(exp *lab.Experiment) (*network, error) {
	n := &network{}
	if exp.Network == lab.Loopback {
		return n, nil
	}
	var err error
	if n.server, err = netns.New(); err != nil {
		return nil, err
	}
	n.client = n.server
	if exp.Network == lab.Link {
		err = n.link(exp.LinkRate)
	}
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// link makes the client a namespace of its own and connects it, at a rate if that is given.
func (n *network) link(rate string) (err error) {
	if n.client, err = netns.New(); err != nil {
		return err
	}
	if err := netns.Link(n.server, n.client); err != nil || rate == "" {
		return err
	}
	return n.server.Limit(rate)
}

func (n *network) close() error {
	err := n.server.Close()
	if n.client != n.server {
		err = errors.Join(err, n.client.Close())
	}
	return err
}

// applySysctls sets what the variant asks for: settings of the network in a namespace of our own vanish with it, all others are the machine's. Unless it
// fails the machine's have to be restored.
func (t *trial) applySysctls() error {
	t.record.Sysctls = map[string]string{}
	var machine []undo.Setting
	for _, name := range sortedKeys(t.setup.Sysctl) {
		value := string(t.setup.Sysctl[name])
		t.record.Sysctls[name] = value
		if t.network.server == nil || !isNet(name) {
			machine = append(machine, undo.Setting{Name: name, Value: value})
			continue
		}
		if err := t.network.set(name, value); err != nil {
			return err
		}
	}
	if err := t.track(); err != nil {
		return err
	}
	return t.bench.cfg.Settings.Apply(machine)
}

// isNet tells settings that namespaces have for themselves.
func isNet(name string) bool {
	return strings.HasPrefix(name, "net.") || strings.HasPrefix(name, "net/")
}

// set sets a sysctl in both namespaces.
func (n *network) set(name, value string) error {
	write := func() error { return sysctl.Tree{}.Write(name, value) }
	err := n.server.Do(write)
	if err == nil && n.client != n.server {
		err = n.client.Do(write)
	}
	if err != nil {
		return fmt.Errorf("in a network namespace: %w", err)
	}
	return nil
}

// track switches connection tracking on if the variant asks for it.
func (t *trial) track() error {
	if t.setup.Conntrack == nil || !*t.setup.Conntrack {
		return nil
	}
	return t.network.server.Track()
}
