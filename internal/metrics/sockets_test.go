package metrics

import (
	"os"
	"testing"
)

func TestReadSockets(t *testing.T) {
	got, err := ReadSockets("testdata/proc")
	if err != nil {
		t.Fatal(err)
	}
	want := Sockets{Memory: 25003 * int64(os.Getpagesize()), InUse: 100017, Orphan: 3, TimeWait: 17}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := ReadSockets(t.TempDir()); err == nil {
		t.Error("got no error without sockstat")
	}
	if _, err := ReadSockets("/does/not/exist"); err == nil {
		t.Error("got no error for a root that does not exist")
	}
}
