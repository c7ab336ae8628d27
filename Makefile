# Everything the project does, by name. The work itself is in e2e/ and in cargo.

# Built things live outside the checkout, so that every clone shares them.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/akili
export CARGO_TARGET_DIR ?= $(CACHE)/target

.PHONY: test lint up down image generate

test:            ## everything: lint, unit tests, scenarios
	@e2e/test

lint:            ## formatting, and clippy with warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

# Cargo tells what it builds, but not that there was nothing to build.
TESTBED = cargo build --locked -p akili-e2e --bin testbed && $(CARGO_TARGET_DIR)/debug/testbed

up:              ## the testbed: a real Kubernetes node and the real backends
	@$(TESTBED) up

down:            ## ends the testbed and leaves nothing of it
	@$(TESTBED) down

image:           ## the operator's image, without a container engine
	cargo build --release --locked -p akili-operator
	@cargo run --quiet --locked -p akili-e2e --bin image -- \
		$(CARGO_TARGET_DIR)/release/akili-operator $(CARGO_TARGET_DIR)/akili-operator-image.tar

generate:        ## writes what is generated: crds/yaml/, parts of the chart, manifests/
	cargo run -p akili-crds --bin crdgen
	cargo run -p akili-operator --bin chartgen
	cargo run -p akili-e2e --bin manifests
