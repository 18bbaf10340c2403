package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
)

// serverLog gives the embedded server's log to slog: its trouble as such, its life story on level Debug, and
// nothing of what it would trace.
type serverLog struct {
	log    *slog.Logger
	dir    string
	fatal  chan error
	failed func(error)
}

// criticalWrite matches the only sign the server gives of a stream that cannot be written any more: from then
// on it neither stores nor answers (server/filestore.go and stream.go, setWriteErr; TestFullDisk pins it).
var criticalWrite = regexp.MustCompile(`(?i)critical write error: (?:\w+ [^:]*: )?(.*)`)

// Noticef implements server.Logger.
func (l *serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}

// Warnf implements server.Logger.
func (l *serverLog) Warnf(format string, v ...any) { l.log.Warn("nats: " + fmt.Sprintf(format, v...)) }

// Errorf implements server.Logger.
func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error("nats: " + text)
	if match := criticalWrite.FindStringSubmatch(text); match != nil {
		l.failed(&StorageError{Dir: l.dir, Err: errors.New(match[1])})
	}
}

// Fatalf implements server.Logger. The server expects to be ended by it, which only main may do; whoever starts
// it gets the error instead.
func (l *serverLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Errorf(format, v...):
	default:
	}
}

// Debugf implements server.Logger.
func (l *serverLog) Debugf(string, ...any) {}

// Tracef implements server.Logger.
func (l *serverLog) Tracef(string, ...any) {}
