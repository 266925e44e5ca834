# Needs git, make and Python 3.11 or later with its venv module. Everything else is installed into .venv.

PYTHON ?= python3
KILLS ?= 200
CASES ?= 20000
CREATIONS ?= 1000
UV = uv>=0.9,<1

BIN = .venv/bin
READY = .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test check dear openapi crash lossy fuzz bench bench-tokens clean

help: ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(READY) ## install everything that uv.lock names into .venv

demo: $(READY) ## the whole story on a temporary embedded PostgreSQL
	@$(BIN)/tenant-api demo

up: $(READY) ## run the service in the foreground, multi-tenant unless told otherwise
	@TENANT_API_MULTI_TENANCY="$${TENANT_API_MULTI_TENANCY:-true}" \
	 TENANT_API_LOG__FORMAT="$${TENANT_API_LOG__FORMAT:-console}" \
	 $(BIN)/tenant-api serve

down: $(READY) ## stop the service that `make up` started
	@$(BIN)/tenant-api down

test: $(READY) ## run the suite
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

dear: $(READY) ## run the tests that take long; needs wrk, Java and Maven
	$(BIN)/pytest -m dear

check: $(READY) ## format, lint, types, import directions
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

openapi: $(READY) ## renew docs/openapi.json
	$(BIN)/tenant-api openapi --output docs/openapi.json

crash: $(READY) ## kill workers at random: KILLS=200; then whatever changes outside clients, at its every moment
	$(BIN)/python -m tests.crash --kills $(KILLS)
	$(BIN)/python -m tests.identity.outside

lossy: $(READY) ## make clients while answers get lost, with every provider: CREATIONS=1000
	$(BIN)/python -m tests.lossy --creations $(CREATIONS)

fuzz: $(READY) ## send cases drawn from docs/openapi.json: CASES=20000
	$(BIN)/python -m tests.fuzz --cases $(CASES)

bench: $(READY) ## measure against bare baselines (and: make bench-tokens)
	$(BIN)/python -m benchmarks

bench-tokens: $(READY) ## tokens beside a real Keycloak, in rotations, under guesses; needs wrk, Java, Maven
	$(BIN)/python -m benchmarks.storm

clean: ## remove what the other targets installed and cached; no data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo missing)." >&2; \
	  echo "Name another one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || { \
	  echo "The venv module of '$(PYTHON)' is missing or broken (Debian: apt-get install python3-venv)." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(UV)'
	@UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV= \
	 $(BIN)/python -m uv sync --frozen --compile-bytecode --python $(BIN)/python
	@touch $@
