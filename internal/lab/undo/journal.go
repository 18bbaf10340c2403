package undo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tickgate/internal/lab/sysctl"
)

// journal is the undo file's content, and what the guardian is told.
type journal struct {
	Process  int       `json:"process"`
	Boot     string    `json:"boot"` // the kernel's boot id: settings do not outlive it
	At       time.Time `json:"at"`
	Root     string    `json:"root"` // of the settings' tree
	Settings []setting `json:"settings"`
}

// setting is one change.
type setting struct {
	Name     string `json:"name"`
	Original string `json:"original"`
	Changed  string `json:"changed"`
}

const journalName = "undo.json"

// restore writes all original values, as many as possible, in the reverse order of their changes.
func (j *journal) restore() error {
	tree := sysctl.Tree{Root: j.Root}
	var errs []error
	for i := len(j.Settings) - 1; i >= 0; i-- {
		errs = append(errs, tree.Write(j.Settings[i].Name, j.Settings[i].Original))
	}
	return errors.Join(errs...)
}

// String tells what is undone.
func (j *journal) String() string {
	var changes []string
	for _, s := range j.Settings {
		changes = append(changes, s.Name+" = "+s.Original)
	}
	return strings.Join(changes, ", ")
}

// save writes the undo file so that it is either whole on disk or not there at all.
func (j *journal) save(dir string) error {
	text, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return fmt.Errorf("encode undo file: %w", err)
	}
	return WriteFile(filepath.Join(dir, journalName), append(text, '\n'))
}

// loadJournal returns the undo file, or nil if there is none.
func loadJournal(dir string) (*journal, error) {
	text, err := os.ReadFile(filepath.Join(dir, journalName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read undo file: %w", err)
	}
	j := new(journal)
	if err := json.Unmarshal(text, j); err != nil {
		return nil, fmt.Errorf("read undo file %s: %w", filepath.Join(dir, journalName), err)
	}
	return j, nil
}

// drop removes the undo file; that there is none is fine.
func drop(dir string) error {
	err := os.Remove(filepath.Join(dir, journalName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove undo file: %w", err)
	}
	return syncDir(dir)
}

// bootID identifies the running kernel. Without a /proc it is empty, and equal to that of any other such kernel.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
