# What people type. Everything else is in scripts/, which say what they do when run with --help.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: run build test unit integration examples bench bench-engine bench-stores soak format tidy docs clean help

ARGS ?=
ONLY ?=

run: ## set up what is missing, build for release, serve with the demo page on http://127.0.0.1:8080 (ARGS="--port 9000")
	@scripts/setup build
	@swift build -c release --product spillway
	@exec .build/release/spillway serve --demo $(ARGS)

build: ## build for release: .build/release/spillway
	@scripts/setup build
	@swift build -c release --product spillway

test: ## set up and run every test: tidy, unit tests, simulations in release, integration
	@scripts/setup test
	@scripts/test

unit: ## the unit tests only (ONLY=regex)
	@scripts/setup build
	@scripts/test unit $(if $(ONLY),--filter '$(ONLY)')

integration: build ## the integration tests only (ONLY="name …")
	@scripts/setup test
	@Tests/run-integration $(ONLY)

examples: ## build the packages in Examples/ and run their checks (ONLY="name …")
	@scripts/setup test
	@scripts/examples $(ONLY)

bench: build ## measure beside the baselines and print the table of figures (takes a quiet machine)
	@scripts/setup bench
	@python3 Benchmarks/bench.py $(ARGS)

bench-engine: ## measure the consumer engine beside a plain loop and ideal times (ARGS="--rounds 3 --rows plain,work")
	@scripts/setup build
	@python3 Benchmarks/engine.py $(ARGS)

bench-stores: ## the failure store beside the embedded broker and beside itself with little in it (ARGS="--rounds 3")
	@scripts/setup build
	@python3 Benchmarks/stores.py $(ARGS)

soak: build ## 200 SIGKILLs under load and 50 power losses; acknowledged votes lost and counts off must be 0
	@scripts/setup test
	@SPILLWAY_SOAK=1 Tests/run-integration $(or $(ONLY),crash power-loss)

format: ## format all Swift code in place
	@swift format -i -p -r Package.swift Sources Tests Benchmarks Examples

tidy: ## check style: format, sizes, imports, comments on what is unchecked, generated code
	@scripts/tidy

docs: build ## write the pages that are made from code
	@scripts/docs

clean: ## remove what was built
	@rm -rf .build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
