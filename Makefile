# Everything a developer or a visitor types. `make` alone lists it.
PYTHON ?= python3
VENV   ?= .venv
PEERS  ?= .venv-bench
CLOUD   = .venv-cloud
DATA   ?= .esi-flows/demo
SPEED  ?= 10
BIN     = $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo sandbox test test-cloud lint format sample golden screenshots bench bench-compile bench-plan bench-collector bench-views clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.sandbox ## Deploy an internet gateway in the sandbox, from an empty machine to its state
	@$(BIN)/esi-flows --data $(DATA) run flows/deployments/internet_gateway --sandbox --speed $(SPEED) --wait

sandbox: $(VENV)/.sandbox ## Keep etcd, cloud, conductor and collector of the demo running
	@$(BIN)/esi-flows --data $(DATA) sandbox --speed $(SPEED)

test: $(VENV)/.dev $(if $(CI),$(CLOUD)/.cloud) ## Run all tests: style, types, units, real etcd, sandbox cloud, commands of the docs
	$(BIN)/pytest -n 2 --dist loadgroup

test-cloud: $(VENV)/.dev $(CLOUD)/.cloud ## Install Keystone and Heat (250 MB) and run the tests of a real cloud; `make test` runs them from then on
	$(BIN)/pytest -m cloud

lint: $(VENV)/.dev ## Check style, types and imports only
	$(BIN)/pytest -q tests/style

format: $(VENV)/.dev ## Put the code into its form
	$(BIN)/ruff check --fix esi_flows tests
	$(BIN)/ruff format esi_flows tests

sample: $(VENV)/.dev ## Write conf/esi-flows.conf.sample anew from the options
	$(BIN)/oslo-config-generator --config-file conf/generator.conf

golden: $(VENV)/.sandbox ## Write the plans and graphs of flows/deployments anew, to be reviewed with them
	@for folder in flows/deployments/*; do \
	  $(BIN)/esi-flows plan $$folder --data .esi-flows/golden > $$folder/plan.golden.txt; \
	  $(BIN)/esi-flows graph $$folder --data .esi-flows/golden -o mermaid > $$folder/graph.golden.mmd; \
	  $(BIN)/esi-flows graph $$folder --data .esi-flows/golden -o svg \
	    > docs/images/graph-$$(basename $$folder).svg; done

screenshots: $(VENV)/.dev ## Make the pictures of the pages anew from the running product
	@$(BIN)/python docs/screenshots.py

bench: $(PEERS)/.sandbox ## Measure the engine beside TaskFlow and DBOS; BENCH="w1 w2" picks some, without it 10 minutes
	@$(PEERS)/bin/python -m benchmarks.engine $(or $(BENCH),--json benchmarks/results/engine.json)

bench-compile: $(VENV)/.sandbox ## Measure what compiling 100, 1,000 and 10,000 intents costs
	@$(BIN)/python -m benchmarks.compile --json benchmarks/results/compile.json

bench-plan: $(VENV)/.sandbox ## Measure what planning 100, 1,000 and 10,000 intents costs
	@$(BIN)/python -m benchmarks.plan --json benchmarks/results/plan.json

bench-collector: $(VENV)/.sandbox ## Measure what watching 10,000 targets every minute costs; 2 minutes
	@$(BIN)/python -m benchmarks.collector --json benchmarks/results/collector.json

bench-views: $(VENV)/.sandbox ## Measure what drawing graphs of up to 5,000 jobs takes
	@$(BIN)/python -m benchmarks.views

clean: ## Remove the virtual environments and the demo's data
	rm -rf $(VENV) $(PEERS) $(CLOUD) .esi-flows

$(VENV)/.sandbox: pyproject.toml constraints.txt .ci/setup
	@.ci/setup $(PYTHON) $(VENV) sandbox

$(PEERS)/.sandbox: pyproject.toml constraints.txt .ci/setup
	@.ci/setup $(PYTHON) $(PEERS) sandbox

$(VENV)/.dev: pyproject.toml constraints.txt .ci/setup
	@.ci/setup $(PYTHON) $(VENV) dev

$(CLOUD)/.cloud: tests/cloud/bed/requirements.txt .ci/setup
	@.ci/setup $(PYTHON) $(CLOUD) cloud
