package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"tickgate/internal/lab"
	"tickgate/internal/lab/netns"
)

// Ports in a namespace of our own, where all are free.
const (
	publicPort = 8080
	adminPort  = 9090
)

// Command returns how a variant's programs are started, for a dry run: ports that are found when they are needed are 0.
func Command(cfg Config, exp *lab.Experiment, variant int) []string {
	setup := exp.Setup(variant)
	ends := endpoints{public: net.JoinHostPort(publicHost(exp.Network), "0"), admin: "127.0.0.1:0"}
	t := &trial{bench: &Bench{cfg: cfg}, job: lab.Job{Experiment: exp}, setup: setup}
	gateway, swarm := t.gatewayCommand(ends), t.swarmCommand(ends)
	return []string{gateway.String(), swarm.String()}
}

func publicHost(n lab.Network) string {
	if n == lab.Link {
		return netns.ServerAddr
	}
	return "127.0.0.1"
}

// namespaces returns what those of gateway and swarm are called in commands.
func namespaces(n lab.Network) (server, client string) {
	switch n {
	case lab.Private:
		return "lab", "lab"
	case lab.Link:
		return "lab-server", "lab-client"
	}
	return "", ""
}

// endpoints are the gateway's addresses.
type endpoints struct{ public, admin string }

func (t *trial) endpoints() (endpoints, error) {
	host := publicHost(t.job.Experiment.Network)
	if t.job.Experiment.Network != lab.Loopback {
		return endpoints{net.JoinHostPort(host, strconv.Itoa(publicPort)), net.JoinHostPort("127.0.0.1", strconv.Itoa(adminPort))}, nil
	}
	free, err := freeAddresses(2)
	if err != nil {
		return endpoints{}, err
	}
	return endpoints{free[0], free[1]}, nil
}

// freeAddresses finds ports of 127.0.0.1 that nobody listens on now. Somebody else may take one before the gateway does; then the run fails and is repeated.
func freeAddresses(n int) ([]string, error) {
	var free []string
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		free = append(free, l.Addr().String())
	}
	return free, nil
}

func (t *trial) gatewayCommand(ends endpoints) command {
	args := []string{"--listen=" + ends.public, "--admin=" + ends.admin}
	if t.setup.IO != "" && t.setup.IO != "epoll" {
		args = append(args, "--io="+t.setup.IO)
	}
	c := command{
		path: t.bench.cfg.Gateway, args: append(args, t.setup.Gateway.Args()...), nofile: t.setup.NoFile, env: map[string]string{},
	}
	for name, value := range t.setup.Env {
		c.env[name] = string(value)
	}
	c.in, _ = namespaces(t.job.Experiment.Network)
	if t.network != nil {
		c.namespace = t.network.server
	}
	return c
}

func (t *trial) swarmCommand(ends endpoints) command {
	args := []string{"--json=-", "--progress=off", "--hold=" + t.holdTime().String()}
	c := command{path: t.bench.cfg.Swarm, args: append(args, t.setup.Swarm.Args()...)}
	// Without these the swarm looks for whoever listens on the port, and finds nobody from another namespace.
	if t.gateway != nil {
		c.args = append(c.args, "--pid="+strconv.Itoa(t.gateway.pid()))
	}
	if t.job.Experiment.Network != lab.Link {
		c.args = append(c.args, "--admin=http://"+ends.admin)
	}
	c.args = append(c.args, "http://"+ends.public)
	_, c.in = namespaces(t.job.Experiment.Network)
	if t.network != nil {
		c.namespace = t.network.client
	}
	return c
}

// startGateway starts the gateway and waits until it is ready.
func (t *trial) startGateway(ctx context.Context) error {
	ends, err := t.endpoints()
	if err != nil {
		return err
	}
	begin := time.Now()
	cmd := t.gatewayCommand(ends)
	t.record.Commands = append(t.record.Commands, cmd.String())
	if t.gateway, err = t.bench.start("gateway", cmd, t.log("gateway")); err != nil {
		return err
	}
	t.admin = newAdminPage(ends, t.network.server)
	for !t.admin.ready(ctx) {
		if err := t.wait(ctx, glance/10); err != nil {
			return fmt.Errorf("wait for the gateway to be ready: %w", err)
		}
	}
	t.record.Lab["ready_seconds"] = time.Since(begin).Seconds()
	return nil
}

func (t *trial) startSwarm() (err error) {
	cmd := t.swarmCommand(t.admin.ends)
	t.record.Commands = append(t.record.Commands, cmd.String())
	t.swarm, err = t.bench.start("swarm", cmd, t.log("swarm"))
	return err
}

// environ is lab's environment without what would change a program under test: settings of the gateway and of the Go runtime.
func environ(own map[string]string) []string {
	list := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return settingVariable.MatchString(entry)
	})
	for _, name := range sortedKeys(own) {
		list = append(list, name+"="+own[name])
	}
	return list
}
