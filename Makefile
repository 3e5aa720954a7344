# Every target first installs what this machine lacks: see deploy/install-dependencies.sh.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

INSTALL := deploy/install-dependencies.sh
SWIFT_FILES := find Package.swift Sources Tests Benchmarks docs/examples -name '.build*' -prune -o -name '*.swift' -print0
RUFF := .build-lint/venv/bin/ruff
PYTHON := .build-python/venv/bin/python

# Flags for sluiced, the benchmark or the load tester: make run ARGS='--listen localhost:0 --log-level debug'
ARGS ?=
# Which example to run: see docs/examples/README.md.
NAME ?=
# A regular expression that selects the tests of sanitize. All by default.
FILTER ?=
# The number of times that test-repeat runs the tests.
N ?= 20
# The time for which fuzz runs each target. This is a variable of make, unrelated to bash's SECONDS.
SECONDS ?= 60
# simulate plays SEEDS seeds, the first of which is FIRST; with SEED it plays that one and prints what happens.
SEEDS ?=
FIRST ?=
SEED ?=
# The number of callers that user-package generates. 80 by default.
SHAPES ?=
# The sanitizer for simulate, address or thread. None by default.
SANITIZE ?=
# Where install puts the programs, and a directory that stands for / while a package is made.
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help build run test test-python test-openapi test-dashboard test-repeat simulate mutants mutants-programs user-package metrics-package examples example lint format sanitize \
	sanitize-thread sanitize-address bench bench-python load faults fuzz \
	manual check-manual install package-programs deb tarball check-package

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the release executables
	@$(INSTALL) build
	swift build -c release

run: ## build and run sluiced; ARGS='--listen localhost:0' passes flags
	@$(INSTALL) build
	@swift build -c release --product sluiced >&2
	@exec .build/release/sluiced $(ARGS)

test: ## run every test
	@$(INSTALL) test
	swift test
	@swift build --product sluiced >&2
	@$(MAKE) --no-print-directory test-python
	@$(MAKE) --no-print-directory test-openapi
	@$(MAKE) --no-print-directory test-dashboard

test-python: ## run the tests of the Python client against the daemon that was built last; ARGS='-k select'
	@$(INSTALL) python
	cd python && PYTHONPATH=src ../$(PYTHON) -m pytest --numprocesses auto $(ARGS)

test-openapi: ## test that the daemon that was built last does what docs/openapi.yaml describes; ARGS='--seed 7'
	@$(INSTALL) python
	@$(PYTHON) Tests/OpenAPI/run $(ARGS)

test-dashboard: ## run the tests of the dashboard, in Chromium, against the daemon that was built last; ARGS=keyboard
	@$(INSTALL) browser
	@Tests/Dashboard/run $(ARGS)

test-repeat: ## run every test N=20 times, up to the first failure
	@$(INSTALL) test
	@swift build --build-tests
	@for ((i = 1; i <= $(N); i++)); do \
		echo "test-repeat: run $$i of $(N)"; \
		swift test --skip-build || { echo "test-repeat: FAILED in run $$i of $(N)" >&2; exit 1; }; \
	done
	@echo "test-repeat: passed $(N) times"

# Builds with a sanitizer have a folder of their own.
simulate: SIMULATE_BUILD := .build$(if $(SANITIZE),-simulate-$(SANITIZE))
simulate: ## play SEEDS=1000 simulations of a hub with seeded faults; SEED=7 prints one; SANITIZE=address
	@$(INSTALL) build
	@swift build -c release --product sluice-simulate $(if $(SANITIZE),--sanitize $(SANITIZE)) \
		--scratch-path $(SIMULATE_BUILD) >&2
	@$(SIMULATE_BUILD)/release/sluice-simulate $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),1))

mutants: ## check that the simulation notices every wrong hub of mutants.toml; SEEDS=3000 for each, ARGS='--only A,B'
	@$(INSTALL) build
	@Tests/Simulate/Mutants/mutants.py --seeds $(or $(SEEDS),3000) $(ARGS)

mutants-programs: ## check that the tests notice wrong clients, commands and daemons of programs.toml; ARGS='--only A,B'
	@$(INSTALL) test
	@Tests/Simulate/Mutants/mutants.py --programs $(ARGS)

user-package: ## build and run SHAPES=80 generated callers of the channels in a release build of a user's package
	@$(INSTALL) examples
	@deploy/check-user-package.sh $(SHAPES)

metrics-package: ## build and run a user's package with the trait Metrics, which reports to swift-metrics
	@$(INSTALL) build
	@deploy/check-metrics.sh

examples: ## run every example and compare what it prints
	@$(INSTALL) examples
	@docs/examples/check

example: ## run one example, NAME=sieve; without a name, list them
	@$(INSTALL) examples
	@docs/examples/run $(NAME)

lint: ## check format and house rules
	@$(INSTALL) lint
	@$(SWIFT_FILES) | xargs -0 swift format lint --strict --parallel
	@$(RUFF) check --quiet .
	@$(RUFF) format --quiet --check .
	@cd python && ../.build-python/venv/bin/mypy --no-error-summary src
	@deploy/check-house-rules.sh
	@Tests/Simulate/Mutants/mutants.py --check
	@Tests/Simulate/Mutants/mutants.py --programs --check
	@echo "lint: clean"

format: ## format all Swift and Python files
	@$(INSTALL) lint
	@$(RUFF) check --quiet --fix --exit-zero .
	@$(RUFF) format --quiet .
	@$(SWIFT_FILES) | xargs -0 swift format format --in-place --parallel

sanitize: sanitize-thread sanitize-address ## run every test under ThreadSanitizer, then AddressSanitizer
	@echo "sanitize: passed, no report"

# Sources/SluiceRuntime/Storage/Lock.swift says why a build for ThreadSanitizer has another lock.
sanitize-thread: SANITIZER_FLAGS := -Xswiftc -DTHREAD_SANITIZER
sanitize-thread: export TSAN_OPTIONS := suppressions=$(CURDIR)/deploy/thread-sanitizer.supp
sanitize-address: SANITIZER_FLAGS :=
sanitize-thread sanitize-address: export SLUICE_SANITIZE := 1
sanitize-address: export LSAN_OPTIONS := suppressions=$(CURDIR)/deploy/leak-sanitizer.supp:print_suppressions=0

# Without --disable-xctest, AddressSanitizer reports leaks of XCTest's harness.
sanitize-thread sanitize-address: sanitize-%:
	@$(INSTALL) sanitize
	@swift test --disable-xctest --sanitize=$* $(SANITIZER_FLAGS) --scratch-path .build-$* \
		$(if $(FILTER),--filter '$(FILTER)') || \
		{ echo "sanitize: FAILED with $*" >&2; exit 1; }

bench: ## compare with Go, gevent, AsyncChannel, Redis, NATS, beanstalkd, nginx and webdis
	@$(INSTALL) bench
	@Benchmarks/run $(ARGS)
	@$(MAKE) --no-print-directory bench-python ARGS='$(filter --quick,$(ARGS))'

bench-python: ## compare the Python client with redis-py, nats-py and kombu
	@$(INSTALL) bench
	@swift build -c release --product sluiced >&2
	@$(PYTHON) python/benchmarks/handoff.py $(ARGS)

load: ## run the load tester; compares with the peers unless ARGS='handoff --pairs 50'
	@$(INSTALL) bench
	@swift build -c release --product sluiced >&2
	@swift build -c release --product sluice-load >&2
	@exec .build/release/sluice-load $(or $(ARGS),compare)

faults: ## check what the real daemon promises under faults; ARGS=--quick; ARGS=--prove with wrong servers
	@$(INSTALL) faults
	@Tests/Faults/run $(ARGS)

fuzz: ## fuzz the parsers and whole conversations with AddressSanitizer; SECONDS=60 for each target
	@$(INSTALL) fuzz
	@Tests/Fuzzing/run $(SECONDS)

manual: ## write the manual pages in docs/man anew, from the programs that were built last (make build)
	@deploy/make-manual.py

check-manual: ## check that the manual pages are those of the programs that were built last
	@deploy/make-manual.py --check

install: ## install what make build has built below PREFIX=/usr/local; DESTDIR=… for packages
	@deploy/install.sh --prefix $(PREFIX) --destdir '$(DESTDIR)'

# The Swift runtime is linked into these programs, so that other machines can run them. They have a folder of their own.
package-programs: ## build the programs for deb and tarball
	@$(INSTALL) build
	@for program in sluiced sluice sluice-load; do \
		swift build -c release --static-swift-stdlib --scratch-path .build-package --product $$program >&2; \
	done

deb: package-programs ## build a package of Debian into dist
	@$(INSTALL) package
	@deploy/package/build deb

tarball: package-programs ## build an archive into dist, for systems without packages of Debian
	@deploy/package/build tarball

check-package: package-programs ## install, run, upgrade and remove the package in a fresh Debian; a few minutes
	@$(INSTALL) package
	@$(if $(filter-out 0,$(shell id -u)),sudo) deploy/package/check
