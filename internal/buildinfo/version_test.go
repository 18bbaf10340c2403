package buildinfo

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	if got := Version("v1.2.3"); got != "v1.2.3" {
		t.Errorf("got %q, want what was linked in", got)
	}
	if got := Version(""); got == "" {
		t.Error("got no version, want at least devel")
	}
	revision := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}
	tests := []struct {
		name string
		info debug.BuildInfo
		want string
	}{
		{"module", debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}, Settings: revision}, "v0.1.0"},
		{"changed source", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: revision}, "0123456789ab+dirty"},
		{"source", debug.BuildInfo{Settings: revision[:1]}, "0123456789ab"},
		{"unknown", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "devel"},
	}
	for _, tt := range tests {
		if got := orDevel(noted(&tt.info)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
