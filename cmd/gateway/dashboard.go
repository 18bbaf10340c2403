package main

import (
	"context"

	"tickgate/internal/admin"
	"tickgate/internal/dashboard"
	"tickgate/internal/hub"
)

// maxStats bounds a process's numbers in bytes; with every reason and bin in use they are some 4 KB, and 100 for each loop.
const maxStats = 1 << 20

// newDashboard returns the dashboard over the processes that workers returns. It takes samples until it is stopped.
func newDashboard(g *gateway, workers func() []admin.Worker) (*dashboard.Dashboard, error) {
	bounds := hub.Histogram{}.Bounds()
	return dashboard.New(dashboard.Config{
		Gather: func(ctx context.Context, path string) []dashboard.Answer {
			pages := admin.Gather(ctx, workers(), path, maxStats)
			answers := make([]dashboard.Answer, len(pages))
			for i, p := range pages {
				answers[i] = dashboard.Answer(p)
			}
			return answers
		},
		Public: g.addr, Version: version, FanoutBounds: bounds[:], Log: g.log,
	})
}
