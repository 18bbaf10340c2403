package iomodel

import (
	"fmt"
	"log/slog"
)

// logger gives what gnet logs to the operator's log: warnings and errors as such, its notes as debug.
type logger struct{ log *slog.Logger }

// Debugf implements logging.Logger of gnet.
func (l logger) Debugf(format string, args ...any) {
	l.log.Debug("gnet: " + fmt.Sprintf(format, args...))
}

// Infof implements logging.Logger of gnet.
func (l logger) Infof(format string, args ...any) {
	l.log.Debug("gnet: " + fmt.Sprintf(format, args...))
}

// Warnf implements logging.Logger of gnet.
func (l logger) Warnf(format string, args ...any) {
	l.log.Warn("gnet: " + fmt.Sprintf(format, args...))
}

// Errorf implements logging.Logger of gnet.
func (l logger) Errorf(format string, args ...any) {
	l.log.Error("gnet: " + fmt.Sprintf(format, args...))
}

// Fatalf implements logging.Logger of gnet. It does not end the process.
func (l logger) Fatalf(format string, args ...any) {
	l.log.Error("gnet: " + fmt.Sprintf(format, args...))
}
