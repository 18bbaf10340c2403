package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// tryOutputs finds out whether the reports can be written, before a run that may take hours. It leaves no file behind,
// and what is in one that is there already stays until the run is over.
func (o *options) tryOutputs() error {
	return errors.Join(tryOutput("--json", o.json), tryOutput("--report", o.report))
}

func tryOutput(flag, file string) error {
	if file == "" || file == "-" {
		return nil
	}
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil // the reader of a pipe would take this for the report's end
	}
	isNew := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("%s: %w; name a file in a directory that is there and may be written to", flag, err)
	}
	err = f.Close()
	if isNew {
		err = errors.Join(err, os.Remove(file))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}
