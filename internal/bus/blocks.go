package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// blocks are the files in which the embedded server keeps the stream: numbered, and only the newest is appended to
// (nats-server v2.15.2, server/filestore.go). Its methods belong to one goroutine at a time.
type blocks struct {
	dir    string // holds the files
	newest int    // the highest number that sync has seen
}

// newBlocks returns the files below the data directory. It puts the whole directory on the disk, the stream's
// description included, so that sync has to look at what is new only.
func newBlocks(data string) (*blocks, error) {
	err := filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return syncFile(path)
	})
	if err != nil {
		return nil, fmt.Errorf("sync data directory: %w", err)
	}
	b := &blocks{dir: filepath.Join(data, "jetstream", "$G", "streams", Stream, "msgs")}
	return b, b.sync()
}

// sync puts all messages that have been written on the disk: the newest block, and those that have been filled since
// the last call. The directory follows if there is a new block, or it would be gone with its name.
func (b *blocks) sync() error {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return fmt.Errorf("sync messages: %w", err)
	}
	newest := b.newest
	for _, entry := range entries {
		n, ok := blockNumber(entry.Name())
		if !ok || n < b.newest {
			continue
		}
		if err := syncFile(filepath.Join(b.dir, entry.Name())); err != nil {
			return fmt.Errorf("sync messages: %w", err)
		}
		newest = max(newest, n)
	}
	if newest == b.newest {
		return nil
	}
	b.newest = newest
	return syncFile(b.dir)
}

// blockNumber returns 7 for 7.blk.
func blockNumber(name string) (int, bool) {
	digits, ok := strings.CutSuffix(name, ".blk")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil
}

// syncFile calls fsync on a file or directory. One that is gone needs it no more: the stream's limits took it.
func syncFile(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // it was read only
	return f.Sync()
}
