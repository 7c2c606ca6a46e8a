# Everything a newcomer needs: `make run` starts Foresight, `make test` proves it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
# Prints how long a step took, and fails as it failed.
TIMED = @t() { s=$$(date +%s); "$$@"; r=$$?; echo "-- $$(( $$(date +%s) - s )) s: $$*"; return $$r; }; t

help:  ## list the targets
	@echo "Foresight: make TARGET"
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sed 's/^/  /' | expand -t 16

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Foresight needs Python 3.11 to 3.14; none was found. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making .venv with $(PYTHON) ..."
	@rm -rf .venv
	@# Without ensurepip (Debian without python3-venv) pip is put there by the pip outside.
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || { rm -rf .venv; $(PYTHON) -m venv --without-pip .venv \
		&& $(PYTHON) -m pip --python .venv/bin/python install --quiet pip; } \
		|| { rm -rf .venv; echo "No virtual environment could be made: install python3-venv, or pip 22.3 or newer" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"

.venv/installed: pyproject.toml | .venv/bin/python
	@echo "Installing Foresight (about 0.5 GB, a minute or two the first time) ..."
	$(TIMED) $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/installed-test: .venv/installed
	$(TIMED) $(BIN)/python -m pip install --quiet --disable-pip-version-check --group test
	@touch $@

.venv/installed-bench: .venv/installed-test
	$(TIMED) $(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	@touch $@

.venv/installed-check: .venv/installed-test
	$(TIMED) $(BIN)/python -m pip install --quiet --disable-pip-version-check --group check
	@touch $@

MOST ?= 1000000

install: .venv/installed  ## set up .venv

run: .venv/installed  ## start Foresight over HTTP on localhost, with its own PostgreSQL
	@$(BIN)/foresight serve --http --welcome

test: .venv/installed-test  ## run the tests: the quick proof that it works here
	$(TIMED) $(BIN)/python tests/support/halves.py

check: lint covered  ## what CI runs: static checks, sizes, and the tests under branch coverage

lint: .venv/installed-check  ## static checks: style, imports, types, sizes
	$(TIMED) $(BIN)/ruff check
	$(TIMED) $(BIN)/ruff format --check
	$(TIMED) $(BIN)/lint-imports --no-logo
	$(TIMED) $(BIN)/mypy .
	$(TIMED) $(BIN)/pyright
	$(TIMED) $(BIN)/python tests/support/sizes.py

covered: .venv/installed-check  ## the tests under branch coverage, with every process they start
	@rm -f .coverage .coverage.*
	$(TIMED) $(BIN)/python tests/support/halves.py --coverage
	@$(BIN)/coverage combine -q
	$(TIMED) $(BIN)/python tests/support/covered.py

torture: .venv/installed-check  ## the heavy tests, part by part: make torture PARTS="wheel kills"
	@$(BIN)/python tests/support/torture.py $(PARTS)

bench: .venv/installed-test  ## speed, beside a floor of the same run: make bench ONLY="stdio mcp"
	@PYTHONPATH=tests/support $(BIN)/python tests/benchmarks/run.py --only $(ONLY)

bench-growth: .venv/installed-bench  ## what grows with the history, as a picture: make bench-growth MOST=1000000
	@PYTHONPATH=tests/support $(BIN)/python tests/benchmarks/growth.py --most $(MOST)

evaluate: .venv/installed-test  ## quality of learning on real data: make evaluate DATA=folder
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/evaluation/run.py $(DATA)

clean:  ## remove .venv and everything made by the targets above; stored data stays
	rm -rf .venv build dist *.egg-info .coverage .coverage.* .hypothesis .pytest_cache .mypy_cache \
		.ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help install run test check lint covered torture bench bench-growth evaluate clean
