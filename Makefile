# tickgate. `make help` lists the targets; a target's text is the comment behind its name.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
GOLANGCI_VERSION := v2.15.0
GOLANGCI := bin/tools/golangci-lint-$(GOLANGCI_VERSION)
K6_VERSION := v1.8.1
K6 := bin/tools/k6-$(K6_VERSION)
NODE_MODULES := test/e2e/node/node_modules/.package-lock.json

# Knobs of single targets: make fuzz FUZZTIME=5m, make bench BENCH=Fanout COUNT=6, make demo CONNS=20000 TICKS=10, make k6 CONNS=50, make run ARGS='--feed none'.
FUZZTIME ?= 30s
BENCH ?= .
COUNT ?= 1
ARGS ?=

# The end-to-end tests start real processes; they have targets of their own.
UNIT = $$(go list ./... | grep -v -e /test/e2e)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/gateway, bin/swarm and bin/lab
	go build -trimpath -ldflags '-X main.linked=$(VERSION)' -o bin/ ./cmd/gateway ./cmd/swarm ./cmd/lab

.PHONY: run
run: build ## run the gateway with the simulated feed (ARGS='…' adds flags)
	bin/gateway $(ARGS)

.PHONY: demo
demo: ## hold 100,000 connections on this machine and report (CONNS, TICKS, INTERVAL)
	scripts/demo.sh

.PHONY: topics
topics: ## 100,000 connections over 1,000 topics, checked by client and topic (CONNS, TOPICS, INTERVAL, HOLD)
	scripts/topics.sh

.PHONY: replay
replay: ## 20,000 of 25,000 clients leave for 30 s and resume; how the others fare (CONNS, AWAY, PAUSE)
	scripts/topics.sh replay

.PHONY: test
test: vet lint unit race seeds e2e smoke ## everything a change must pass; .ci/run calls it

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: lint
lint: $(GOLANGCI) ## golangci-lint (pinned), formatting included
	$(GOLANGCI) run

.PHONY: fmt
fmt: $(GOLANGCI) ## format the Go files (gofumpt)
	$(GOLANGCI) fmt

.PHONY: unit
unit: ## unit tests and the rules over the repository
	scripts/gotest.sh unit $(UNIT)

.PHONY: race
race: ## unit tests under the race detector
	scripts/gotest.sh race -race $(UNIT)

.PHONY: seeds
seeds: ## every fuzz target on its seeds and former crashers
	scripts/gotest.sh seeds -run '^Fuzz' $(UNIT)

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME each
	scripts/fuzz.sh $(FUZZTIME) ./internal/...

.PHONY: e2e
e2e: $(NODE_MODULES) ## integration: real gateways against real clients, faults included
	@# These tests wait more than they compute: twice as many at a time as there are processors.
	LIVE=1 scripts/gotest.sh e2e -count=1 -timeout 13m -parallel $$(($$(nproc) * 2)) -skip '^TestScale' ./test/e2e

.PHONY: smoke
smoke: ## scale smoke: 5,000 connections from the real swarm, no loss allowed
	LIVE=1 scripts/gotest.sh smoke -count=1 -timeout 6m -run '^TestScale' ./test/e2e

.PHONY: bench
bench: ## benchmarks with allocations (BENCH=pattern, COUNT=6 for benchstat)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./internal/...

.PHONY: profile
profile: ## collect heap, allocations, processor time, waits and a trace under load (CONNS, TAKE, DIR)
	scripts/profile.sh

.PHONY: k6
k6: build $(K6) ## let k6 and the swarm measure the same gateway, and compare (CONNS, TICKS, INTERVAL)
	BIN=bin K6=$(K6) scripts/k6/compare.sh

.PHONY: screenshots
screenshots: ## photograph the dashboard under load into docs/images (CONNS, WATCH, OUT)
	scripts/screenshots.sh

.PHONY: experiments
experiments: build ## run all shipped experiments, an hour; again after an interruption goes on (DIR)
	scripts/experiments.sh

.PHONY: tune
tune: ## show and apply the kernel settings of tuning/ (root), keeping an undo file
	scripts/tune.sh apply

.PHONY: untune
untune: ## restore what `make tune` changed
	scripts/tune.sh undo

.PHONY: tools
tools: $(GOLANGCI) $(K6) $(NODE_MODULES) ## install the pinned linter, k6 and Node's ws for the tests

.PHONY: clean
clean: ## remove what was built
	rm -rf bin out test/e2e/node/node_modules

# A golangci-lint of the right version that is installed already is linked, not built again: the build takes minutes.
$(GOLANGCI):
	scripts/golangci.sh $(GOLANGCI_VERSION) $@

# k6, a minute or two to build; without it the one test that needs it is skipped with a line (and fails when CI=true).
$(K6):
	scripts/k6/install.sh $(K6_VERSION) $@

# Without npm the one test that needs it says so (and fails when CI=true).
$(NODE_MODULES): test/e2e/node/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix test/e2e/node --no-audit --no-fund --loglevel=error; touch $@; \
	else echo "npm is missing: the test with Node's ws will be skipped"; fi
