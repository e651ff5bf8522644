# Everything that CI runs, and what people run. A bare `make` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

FUZZ_SECONDS ?= 60
SEED ?= 1
RUNS ?= 20
WHAT ?= unit cluster package browser
CODECS ?= json,msgpack
BUSES ?= embedded,redis
BENCH_OUT ?= bench-results/$(shell date -u +%Y%m%dT%H%M%SZ).json

.PHONY: help run cluster build test check fmt bench bench-micro bench-million bench-peers chaos loadtest rolling alerts fuzz autobahn typescript bundle images docs ci clean-tools

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

run: ## Build a node and start it for development (make run ARGS='--listen 127.0.0.1:8081')
	cargo run --package hallway-cli --bin hallway -- serve --dev $(ARGS)

cluster: ## Start three nodes, HAProxy, Redis, Postgres and Prometheus, without containers (ARGS='--free-ports')
	.ci/tools redis postgres haproxy prometheus python
	deploy/local/cluster $(ARGS)

build: ## Build everything
	cargo build --workspace --all-targets --features "$$(.ci/features)"

test: ## Run every test; finds or installs the servers they need
	.ci/tools redis postgres haproxy nginx prometheus python node chromium
	cargo test --workspace --features "$$(.ci/features)" --no-fail-fast
	deploy/test/all --binary "$${CARGO_TARGET_DIR:-target}/debug/hallway"
	HALLWAY_BIN="$${CARGO_TARGET_DIR:-$$PWD/target}/debug/hallway" .ci/typescript unit cluster

check: ## What a change must pass before its tests: format, lints, documentation, shell scripts, what is deployed
	.ci/check

fmt: ## Format the sources
	cargo fmt --all

bench: ## Measure a release build against its targets (CODECS=json BUSES=embedded BENCH_OUT=FILE ARGS=…)
	.ci/bench "$(BENCH_OUT)" --codec "$(CODECS)" --bus "$(BUSES)" $(ARGS)

bench-micro: ## Measure what a node does most, piece by piece; beside the last time (ARGS='fan-out')
	cargo bench --workspace --bench '*' -- $(ARGS)

bench-million: ## Open as many connections as memory carries (BENCH_OUT=FILE ARGS='--connections 100000 --margin-gib 2')
	.ci/bench-million "$(BENCH_OUT)" $(ARGS)

bench-peers: ## Measure a release build beside other servers, which it installs (BENCH_OUT=FILE, ARGS='--rounds 3 --bus redis')
	.ci/bench-peers "$(BENCH_OUT)" $(ARGS)

chaos: ## Check deliveries under faults, repeatable (SEED=1 RUNS=20 ARGS='--setup appendonly --parallel 2 --minutes 30')
	.ci/chaos --seed "$(SEED)" --runs "$(RUNS)" $(ARGS)

loadtest: ## Run every k6 script for some seconds against a cluster that it starts (SCRIPTS='large-room', and loadtest/README.md)
	.ci/tools redis postgres haproxy prometheus python
	.ci/deploy-tools
	deploy/local/cluster --free-ports $(ARGS) -- bash -c 'loadtest/run $(SCRIPTS) && .tools/deploy/bin/python deploy/test/queries --live "$$TARGET_PROMETHEUS"'

rolling: ## Restart the nodes of a cluster that it starts in turn, under load of k6 and of the load generator
	.ci/tools redis haproxy python
	.ci/deploy-tools
	cargo build --workspace --bins --features "$$(.ci/features)"
	deploy/local/cluster --free-ports --without postgres --without prometheus $(ARGS) -- bash -c \
		'loadtest/rolling && "$${CARGO_TARGET_DIR:-target}/debug/hallway-loadgen" rolling --table'

alerts: ## Make every alert fire in a cluster that it starts, in some minutes (ARGS='HallwayNodeDown …')
	.ci/tools redis postgres haproxy prometheus python
	.ci/deploy-tools
	.tools/deploy/bin/python deploy/test/alerts $(ARGS)

fuzz: ## Fuzz every parser for a while (FUZZ_SECONDS=60 each, TARGETS='room_name …')
	FUZZ_SECONDS="$(FUZZ_SECONDS)" .ci/fuzz $(TARGETS)

autobahn: ## Run the Autobahn suite against the WebSocket transport (CASES='6.* 9.1.1')
	.ci/autobahn $(CASES)

typescript: ## Test the TypeScript client: quick, on real nodes, packed, in a browser (WHAT='unit cluster package browser')
	.ci/typescript $(WHAT)

bundle: ## Rewrite what the demo has of the TypeScript client
	.ci/typescript bundle

images: ## Take the pictures of the demo and the console anew (docs/images)
	HALLWAY_IMAGES="$$PWD/docs/images" .ci/typescript browser

docs: ## Rewrite what the binary prints: settings, metrics, and names for the TypeScript client
	.ci/docs

ci: ## Do what CI does
	.ci/run

clean-tools: ## Remove the tools that these targets installed into .tools
	rm -rf .tools
