# Everything the project does, by name. The work itself is in e2e/ and in cargo.

# Built things live outside the checkout, so that every clone shares them.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/akili
export CARGO_TARGET_DIR ?= $(CACHE)/target

PREPARED = e2e/build-packages && e2e/build-cache
# All of the workspace, always: built for one package alone, libraries that the packages
# share would be built once more.
PROGRAMS = $(PREPARED) && cargo build --locked --workspace --bins
TESTBED = $(PROGRAMS) && $(CARGO_TARGET_DIR)/debug/testbed

# Test targets that need neither root nor the testbed: those of the product's crates.
UNIT_TESTS = --lib --bins \
	$(foreach file,$(wildcard crds/tests/*.rs operator/tests/*.rs operator/*/tests/*.rs cli/tests/*.rs),\
		--test $(basename $(notdir $(file)))) \
	$(foreach file,$(wildcard crds/tests/*/main.rs operator/tests/*/main.rs operator/*/tests/*/main.rs cli/tests/*/main.rs),\
		--test $(notdir $(patsubst %/main.rs,%,$(file))))

.DEFAULT_GOAL = help
.PHONY: help demo check test scenario lint up down image bench generate

help:            ## lists the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

demo:            ## the platform on this machine, and a tenant in it
	@$(TESTBED) up
	@$(CARGO_TARGET_DIR)/debug/demo

check:           ## in minutes and without root: lint, unit tests, wording, import circles, licences
	@$(MAKE) --no-print-directory lint
	cargo test --workspace --locked --quiet $(UNIT_TESTS)
	@scripts/deny.sh

test:            ## everything: lint, unit tests, scenarios
	@e2e/test

scenario:        ## the scenarios with NAME in their names, such as NAME=kafka
	@$(TESTBED) up
	RUST_BACKTRACE=0 cargo test --workspace --locked --test scenarios -- $(NAME)

lint:            ## formatting, and clippy with warnings denied
	cargo fmt --all --check
	@$(PREPARED)
	cargo clippy --workspace --all-targets --locked -- -D warnings

up:              ## the testbed: a real Kubernetes node and the real backends
	@$(TESTBED) up

down:            ## ends the testbed and leaves nothing of it
	@$(TESTBED) down

image:           ## the operator's image, without a container engine
	@$(PROGRAMS)
	cargo build --release --locked -p akili-operator
	@$(CARGO_TARGET_DIR)/debug/image \
		$(CARGO_TARGET_DIR)/release/akili-operator $(CARGO_TARGET_DIR)/akili-operator-image.tar

bench:           ## what the admission webhook costs, on the testbed, with optimised programs
	@$(TESTBED) up
	cargo build --release --locked --workspace --bins
	@$(CARGO_TARGET_DIR)/release/bench

generate:        ## writes what is generated: crds/yaml/, docs/conditions.md, parts of the chart, manifests/
	@$(PROGRAMS)
	@$(CARGO_TARGET_DIR)/debug/crdgen
	@$(CARGO_TARGET_DIR)/debug/conditionsgen
	@$(CARGO_TARGET_DIR)/debug/chartgen
	@$(CARGO_TARGET_DIR)/debug/manifests
