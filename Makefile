# Every target sets up .venv first, and again when pyproject.toml has changed.
#
#   make demo     render a video, ask it four questions, write the evidence to ./demo
#   make test     all tests that need no GPU
#   make check    lint, format and types
#   make setup    only the set-up
#   make clean    remove .venv, caches and ./demo
#
# PYTHON=python3.12 chooses the interpreter, TORCH="torch==2.12.1" the torch. pip's own settings hold: on a machine
# without GPU, PIP_EXTRA_INDEX_URL=<an index of CPU builds> make setup is a much smaller download.

PYTHON ?= python3 python3.13 python3.12 python3.11
TORCH  ?=
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test check setup clean

demo: $(STAMP)
	@$(BIN)/videomind demo demo

test: $(STAMP)
	$(BIN)/python -m pytest -m "not gpu"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(STAMP)

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || { found=; \
	  for python in $(PYTHON); do \
	    $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	      && found=$$python && break; \
	  done; \
	  test -n "$$found" || { \
	    echo "error: no Python 3.11 or newer with venv among: $(PYTHON)" >&2; \
	    echo "       install one (Debian, Ubuntu: apt install python3 python3-venv) or say make PYTHON=/path/to/python3" >&2; \
	    exit 1; }; \
	  echo "setting up $(VENV) with $$($$found --version) (some minutes, once)"; \
	  $$found -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' $(TORCH)
	@touch $(STAMP)

clean:
	rm -rf $(VENV) demo build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
