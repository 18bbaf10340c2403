package bench

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tickgate/internal/lab"
	"tickgate/internal/lab/netns"
	"tickgate/internal/lab/sysctl"
)

// Check finds out whether the experiment can be made here, before anything is started. What this machine or this build does not allow is a
// lab.SkipError, and what is wrong with the experiment a lab.InputError.
func Check(cfg Config, exp *lab.Experiment, tree sysctl.Tree) error {
	if err := checkFlags(cfg, exp); err != nil {
		return err
	}
	if err := checkNetwork(exp); err != nil {
		return err
	}
	for i, v := range exp.Variants {
		setup := exp.Setup(i)
		if err := checkNoFile(setup.NoFile); err != nil {
			return fmt.Errorf("variant %s: %w", v.Name, err)
		}
		for _, name := range sortedKeys(setup.Sysctl) {
			if exp.Network != lab.Loopback && isNet(name) {
				continue // of a namespace that is not there yet; it fails at the first run
			}
			if err := checkSysctl(tree, name); err != nil {
				return fmt.Errorf("variant %s: %w", v.Name, err)
			}
		}
	}
	return nil
}

func checkSysctl(tree sysctl.Tree, name string) error {
	switch err := tree.Writable(name); {
	case errors.Is(err, unix.ENOENT):
		return &lab.SkipError{Why: fmt.Sprintf("this kernel has no sysctl %s", name)}
	case err != nil:
		return &lab.SkipError{Why: fmt.Sprintf("sysctl %s cannot be changed here (%v); run as root", name, err)}
	}
	return nil
}

func checkNoFile(want uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("getrlimit: %w", err)
	}
	if want > limit.Max {
		return &lab.SkipError{Why: fmt.Sprintf("nofile %d is above the hard limit of %d; raise it for lab: prlimit --nofile=%d:%d bin/lab …", want, limit.Max, want, want)}
	}
	return nil
}

// checkNetwork makes the network and what the variants want to have in it once, for a try.
func checkNetwork(exp *lab.Experiment) error {
	n, err := openNetwork(exp)
	if err == nil && exp.Cut != nil {
		err = n.client.Silence()
	}
	for i := range exp.Variants {
		if on := exp.Setup(i).Conntrack; err == nil && on != nil && *on {
			err = tryTracking()
		}
	}
	if n != nil {
		err = errors.Join(err, n.close())
	}
	if err != nil {
		return &lab.SkipError{Why: fmt.Sprintf("network: %s is not possible here: %v; it takes root, iproute2 for a link, and nftables in the kernel for cut and conntrack", exp.Network, err)}
	}
	return nil
}

func tryTracking() error {
	ns, err := netns.New()
	if err != nil {
		return err
	}
	return errors.Join(ns.Track(), ns.Close())
}

var longFlag = regexp.MustCompile(`--(?:\[no-\])?([a-z][a-z0-9-]*)`)

// checkFlags compares the experiment's flags with those that the programs say they have.
func checkFlags(cfg Config, exp *lab.Experiment) error {
	for _, program := range []struct {
		path  string
		flags func(lab.Setup) lab.Flags
	}{
		{cfg.Gateway, func(s lab.Setup) lab.Flags { return s.Gateway }},
		{cfg.Swarm, func(s lab.Setup) lab.Flags { return s.Swarm }},
	} {
		known, err := flagsOf(program.path)
		if err != nil {
			return err
		}
		for i, v := range exp.Variants {
			for _, name := range sortedKeys(program.flags(exp.Setup(i))) {
				if !slices.Contains(known, strings.TrimPrefix(name, "no-")) {
					return &lab.InputError{Err: fmt.Errorf("variant %s: %s has no flag --%s", v.Name, program.path, name)}
				}
			}
			if io := exp.Setup(i).IO; program.path == cfg.Gateway && io != "" && io != "epoll" && !slices.Contains(known, "io") {
				return &lab.SkipError{Why: fmt.Sprintf("variant %s: %s has no other I/O models (no flag --io)", v.Name, program.path)}
			}
		}
	}
	return nil
}

// flagsOf returns the names of the flags in a program's help.
func flagsOf(path string) ([]string, error) {
	out, err := exec.Command(path, "--help").CombinedOutput()
	if err != nil {
		return nil, &lab.InputError{Err: fmt.Errorf("%s --help: %w; build the programs with `make build`, or name them with --gateway and --swarm", path, err)}
	}
	var names []string
	for _, match := range longFlag.FindAllSubmatch(out, -1) {
		names = append(names, string(match[1]))
	}
	return names, nil
}
