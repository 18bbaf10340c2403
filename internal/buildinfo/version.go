// Package buildinfo says which version of a program runs.
package buildinfo

import "runtime/debug"

// Version returns linked, which the Makefile takes from git, if it is not empty. Otherwise it returns what the Go command has
// noted about the source: a release or a pseudo-version of the module, or the revision of a build elsewhere. A build that
// knows nothing of its source is "devel".
func Version(linked string) string {
	info, ok := debug.ReadBuildInfo()
	if linked != "" || !ok {
		return orDevel(linked)
	}
	return orDevel(noted(info))
}

func orDevel(version string) string {
	if version == "" {
		return "devel"
	}
	return version
}

// noted returns the version in info; empty if there is none.
func noted(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	var revision, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+dirty" // as in the module's own versions
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}
