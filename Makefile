# Everything the project does, by name. The work itself is in e2e/ and in cargo.

# Built things live outside the checkout, so that every clone shares them.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/akili
export CARGO_TARGET_DIR ?= $(CACHE)/target

PREPARED = e2e/build-packages && e2e/build-cache
# All of the workspace, always: built for one package alone, libraries that the packages
# share would be built once more.
PROGRAMS = $(PREPARED) && cargo build --locked --workspace --bins
TESTBED = $(PROGRAMS) && $(CARGO_TARGET_DIR)/debug/testbed

.PHONY: demo test scenario lint up down image bench generate

demo:            ## the platform on this machine, and a tenant in it
	@$(TESTBED) up
	@$(CARGO_TARGET_DIR)/debug/demo

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

generate:        ## writes what is generated: crds/yaml/, parts of the chart, manifests/
	@$(PROGRAMS)
	@$(CARGO_TARGET_DIR)/debug/crdgen
	@$(CARGO_TARGET_DIR)/debug/chartgen
	@$(CARGO_TARGET_DIR)/debug/manifests
