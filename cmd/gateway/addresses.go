package main

import (
	"os"
	"os/exec"

	"tickgate/internal/config"
	"tickgate/internal/forwarded"
	"tickgate/internal/prefork"
	"tickgate/internal/quota"
	"tickgate/internal/session"
)

// newAddresses returns the count of connections by address for so many processes, nil if addresses are not bound.
func newAddresses(cfg *config.Config, processes int) (*quota.AddressPool, error) {
	if !cfg.Addresses.Bound() {
		return nil, nil
	}
	return quota.NewAddresses(processes, cfg.Server.MaxConns)
}

func addressLimits(a *config.Addresses) quota.AddressLimits {
	return quota.AddressLimits{Conns: a.MaxConns, Rate: float64(a.ConnectRate), Burst: a.Burst()}
}

// countAlone makes the plan's one process bound addresses, if they are to be.
func (p *plan) countAlone(cfg *config.Config) error {
	pool, err := newAddresses(cfg, 1)
	if pool == nil || err != nil {
		return err
	}
	p.addresses, err = pool.Join(0, addressLimits(&cfg.Addresses))
	return err
}

// proxies translates the settings of proxies for the sessions.
func proxies(a *config.Addresses) session.Proxies {
	return session.Proxies{
		Trusted: forwarded.Trusted(a.TrustedProxies), Protocol: a.ProxyProtocol, RFC7239: a.ForwardedHeader == config.ForwardedRFC7239,
	}
}

// heritage is what workers share: the count of all connections, and that of each address if it is bound.
type heritage struct {
	pool      *quota.Pool
	addresses *quota.AddressPool // nil if addresses are not bound
}

func newHeritage(g *gateway) (h heritage, err error) {
	if h.pool, err = quota.New(g.plan.workers); err != nil {
		return h, err
	}
	h.addresses, err = newAddresses(g.cfg, g.plan.workers)
	return h, err
}

// command returns the command of workers that inherit the counts. They are told all by their orders, and so what stands in the
// arguments is not shown once more in the list of processes: it may be a secret.
func (h heritage) command(int) *exec.Cmd {
	cmd := prefork.Self()
	cmd.Args = []string{cmd.Args[0], "worker"}
	cmd.ExtraFiles = []*os.File{h.pool.File()}
	if h.addresses != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, h.addresses.File())
	}
	return cmd
}

// forget gives back what a worker that has ended held.
func (h heritage) forget(worker int) {
	h.pool.Forget(worker)
	if h.addresses != nil {
		h.addresses.Forget(worker)
	}
}

// inherit makes the plan of a worker count its connections with those of the others.
func (p *plan) inherit(child *prefork.Child, cfg *config.Config) (err error) {
	share, err := quota.Join(child.ExtraFile(0), child.ID(), cfg.Server.MaxConns)
	if err != nil {
		return err
	}
	p.quota = share
	if !cfg.Addresses.Bound() {
		return nil
	}
	addresses, err := quota.JoinAddresses(child.ExtraFile(1), child.ID(), addressLimits(&cfg.Addresses))
	if err != nil {
		return err
	}
	p.addresses = addresses
	return nil
}
