package iomodel

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// setTCP sets the options of a connection, or of a listener whose connections inherit them.
func (c *Config) setTCP(fd int) error {
	if err := setIfPositive(fd, unix.TCP_NOTSENT_LOWAT, c.NotSentLowat); err != nil {
		return err
	}
	return setIfPositive(fd, unix.TCP_USER_TIMEOUT, int(c.UserTimeout/time.Millisecond))
}

func setIfPositive(fd, option, value int) error {
	if value <= 0 {
		return nil
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, option, value))
}

// control is net.ListenConfig.Control: package net sets SO_REUSEADDR by itself, and TCP_NODELAY on each connection.
func (c *Config) control(_, _ string, raw syscall.RawConn) error {
	var err error
	if outer := raw.Control(func(fd uintptr) { err = c.setListener(int(fd)) }); outer != nil {
		return outer
	}
	return err
}

func (c *Config) setListener(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if c.SndBuf > 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, c.SndBuf); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return c.setTCP(fd)
}
