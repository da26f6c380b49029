# Two commands do everything: `make demo` and `make test`. Everything lands in .venv and web/static/vendor.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
VENDOR := web/static/vendor/.built
SPREAD := -n logical --maxprocesses 4 --dist loadfile
KEPT_OUT := $(foreach name,torch torchaudio triton distance nltk inflect,--unsafe-package $(name))
COMPILE := $(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe --strip-extras

.DEFAULT_GOAL := help
.PHONY: help demo test check setup programs lock format clean

help:  ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

demo: setup  ## set up, index the demo course, ask it the sample questions, serve the page
	@$(BIN)/earmark demo $(ARGS)

test: setup $(VENV)/.dev programs  ## set up and pass every test
	@echo "== Running every test (unit, contracts, whole product, faults, browser)"
	@$(BIN)/python -m pytest $(SPREAD) $(ARGS)

check: $(VENV)/.dev  ## ruff, mypy --strict, import directions
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_import_directions.py

setup: $(VENV)/.base $(VENDOR)  ## install what the product needs

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python is missing: install Python 3.11 (Debian: apt-get install python3.11 python3.11-venv)."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version), but Python 3.11 or 3.12 is needed: install it, or name it: make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "== Making an environment in $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing (Debian: apt-get install python3-venv)."; rm -rf $(VENV); exit 2; }

$(VENV)/.torch: requirements/torch.txt | $(BIN)/python
	@echo "== Installing PyTorch (the largest part; once)"
	@$(PIP) install -r requirements/torch.txt && touch $@

$(VENV)/.base: requirements/base.txt pyproject.toml $(VENV)/.torch
	@echo "== Installing what the product needs, pinned with hashes"
	@$(PIP) install --no-deps --require-hashes -r requirements/base.txt
	@$(PIP) install --no-deps --no-build-isolation -e . && touch $@

$(VENV)/.dev: requirements/dev.txt requirements/reference.txt $(VENV)/.base
	@echo "== Installing what the tests and checks need"
	@$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --require-hashes -r requirements/reference.txt && touch $@

$(VENDOR): package.json package-lock.json $(VENV)/.base
	@echo "== Fetching the page's libraries (htmx) from the npm registry"
	@$(BIN)/python -m web.build_static && touch $@

programs:
	@missing=$$(for each in chromium flite nginx; do command -v $$each >/dev/null 2>&1 || echo $$each; done | sed 's/^nginx$$/nginx-light/' | xargs); \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "== Installing the programs that the tests drive: $$missing"; \
	  apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing fonts-noto-cjk >/dev/null; \
	elif [ "$$missing" != nginx-light ]; then \
	  echo "Programs that the tests drive are missing: sudo apt-get install $$missing fonts-noto-cjk"; exit 2; \
	fi

lock: $(VENV)/.dev  ## resolve requirements/*.in anew (torch has its own line; of g2p-en only the weights are read)
	@$(COMPILE) -c requirements/torch.txt $(KEPT_OUT) -o requirements/base.txt requirements/base.in
	@sed -i '/^# The following packages are considered/,$$d' requirements/base.txt
	@$(COMPILE) -c requirements/base.txt -o requirements/postgres.txt requirements/postgres.in
	@$(COMPILE) -c requirements/base.txt -c requirements/postgres.txt -o requirements/dev.txt requirements/dev.in

format: $(VENV)/.dev  ## ruff format and the fixes that are safe
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean:  ## remove what was set up here (never your recordings)
	rm -rf $(VENV) node_modules web/static/vendor *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
