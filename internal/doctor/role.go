package doctor

import (
	"tickgate/internal/limits"
)

var roles = [...]string{limits.Gateway: "gateway", limits.Swarm: "swarm", limits.Both: "both"}

// ParseRole returns the role that is called gateway, swarm or both, and whether there is one of that name.
func ParseRole(name string) (limits.Role, bool) {
	for role, n := range roles {
		if n == name {
			return limits.Role(role), true
		}
	}
	return 0, false
}
