# Chainflow's commands. `make help` lists them. A fresh machine needs Python 3.11 or later with venv and pip, make, and a
# way to the package registries; everything else is set up here and kept in .venv and in the user's cache.

PYTHON ?= python3
PY     := .venv/bin/python
RUN    := $(PY) -m
ARGS   ?=

export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup up down status demo test check format-check lint types imports schemas quick vectors chaos bench \
        bench-chain compare-chain bench-peers generate release-schemas format lock clean
.SUFFIXES:
.DELETE_ON_ERROR:

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[36m%-13s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Pass options on with ARGS, as in: make test ARGS='-k broker -x'"

# --- Setting up -------------------------------------------------------------------------------------------------------

setup: .venv/jars.lock ## Create .venv, fetch the broker's jars (done by the others when needed)
	@:

# The stamp is a copy of the lock: a checkout that only changes its date costs a comparison, not an installation.
.venv/installed.lock: requirements.lock
	@if cmp -s $< $@ && $(PY) -c '' 2>/dev/null; then touch $@; exit 0; fi; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or later is needed; '$(PYTHON)' is not. Install it, or name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }; \
	$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Python's venv with pip is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
	$(PY) -m pip --version >/dev/null 2>&1 || { echo "Creating .venv"; $(PYTHON) -m venv --clear .venv; } || exit 1; \
	echo "Installing the locked packages into .venv (once per change of requirements.lock)"; \
	$(PY) -m pip install --disable-pip-version-check --require-hashes -r $< || { \
	  echo "pip could not install the packages. Behind a proxy or with a mirror of your own, pip's usual settings apply (pip config, PIP_INDEX_URL)." >&2; exit 1; }; \
	$(PY) -c 'import pathlib, site; pathlib.Path(site.getsitepackages()[0], "chainflow.pth").write_text("$(CURDIR)\n")'; \
	printf '#!/bin/sh\nexec "%s/.venv/bin/python" -m infra.cli "$$@"\n' "$(CURDIR)" > .venv/bin/chainflow && chmod +x .venv/bin/chainflow; \
	cp $< $@

.venv/jars.lock: infra/kafka/jars.lock .venv/installed.lock
	@if [ -n "$$KAFKA_BOOTSTRAP_SERVERS" ]; then echo "KAFKA_BOOTSTRAP_SERVERS is set: no broker of our own is needed"; \
	else $(RUN) infra.kafka fetch && cp $< $@; fi

# --- Running ----------------------------------------------------------------------------------------------------------

up: setup ## Start the broker and the services, and leave them running
	@$(RUN) infra.kafka up
	@if [ -d infra/cli ]; then $(RUN) infra.cli up $(ARGS); fi

down: setup ## Stop the services and the broker; the data stays
	@if [ -d infra/cli ]; then $(RUN) infra.cli down; fi
	@$(RUN) infra.kafka down

status: setup ## Say what runs, and where
	@$(RUN) infra.kafka status
	@if [ -d infra/cli ]; then $(RUN) infra.cli status; fi

demo: setup ## Play a supply chain on a real broker, from nothing
	@$(RUN) infra.cli demo $(ARGS)

# --- Checking ---------------------------------------------------------------------------------------------------------

test: setup ## Run every test, with a real broker
	$(RUN) pytest $(ARGS)

check: format-check lint types imports schemas quick ## Run what needs no broker: style, types, import rules, schemas, quick tests

format-check: setup
	$(RUN) ruff format --check .

lint: setup
	$(RUN) ruff check .

types: setup
	$(RUN) mypy

imports: setup
	lint-imports

schemas: setup
	buf lint schemas
	buf breaking schemas --against schemas/baseline.binpb
	$(RUN) schemas.generate --check

quick: setup
	$(RUN) pytest -n auto --dist worksteal $(wildcard tests/unit tests/contract tests/simulation) $(ARGS)

vectors: setup ## Play the worked examples through the three services (FILES="a.json b.json", BROKER=1 on a real broker)
	$(RUN) tests.service_chains $(FILES) $(if $(filter 1,$(BROKER)),--broker) $(ARGS)

chaos: setup ## Kill processes while they work, and look for lost or repeated facts
	$(RUN) tests.chaos $(ARGS)

bench: setup ## Measure throughput and latency on this machine
	$(RUN) tests.bench $(ARGS)

bench-chain: setup ## Measure how fast a slip at the far end of a generated chain reaches its leader
	$(RUN) tests.bench chain $(ARGS)

compare-chain: setup ## Compare what leaders hear of slips with nightly planning and one-hop alerts, into docs/comparison.md
	$(RUN) infra.cli compare --doc docs/comparison.md $(ARGS)

bench-peers: setup ## Measure the same work with other stream processors, each in a .venv of its own
	$(RUN) tests.bench peers $(ARGS)

# --- Changing ---------------------------------------------------------------------------------------------------------

generate: setup ## Generate the Python code of the messages, and golden examples of new ones
	$(RUN) schemas.generate
	$(RUN) schemas.examples

release-schemas: setup ## Make today's messages the ones that later changes must be compatible with
	buf build schemas --exclude-source-info -o schemas/baseline.binpb

format: setup ## Format the code, and mend what the linter can
	$(RUN) ruff check --fix-only --quiet .
	$(RUN) ruff format .

# uv if it is there, else in a virtual environment of its own; the lock names no host, so that pip's own settings apply.
lock: ## Resolve the dependencies anew into requirements.lock
	@uv=$$(command -v uv) || { $(PYTHON) -m venv build/uv && build/uv/bin/python -m pip install --quiet uv && uv=build/uv/bin/uv; }; \
	"$$uv" lock --quiet && \
	"$$uv" export --quiet --no-header --no-emit-project --all-groups --no-annotate -o requirements.lock >/dev/null; \
	status=$$?; rm -f uv.lock; exit $$status

clean: ## Remove what was built and cached here, .venv too; the broker's data in .chainflow stays
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
