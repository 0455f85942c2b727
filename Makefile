# Two commands are enough on a fresh machine, in either order:
#
#   make demo     shows what the package does
#   make test     proves that it does
#
# Both make .venv and install what they need, once: stamp files in .venv remember what is there.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint types docs bench real clean

VENV   ?= .venv
BIN    := $(VENV)/bin
# The first Python on the path that is new enough; `make PYTHON=/path/to/python demo` overrules.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# Extra arguments of pytest, for instance `make test PYTEST="-k layout"`.
PYTEST ?= -n auto --maxprocesses 8

# torch is pinned and installed first, so that no later step replaces it. Linux wheels without "+cpu" carry several
# gigabytes of CUDA: they come only when asked for, `make demo TORCH=cuda`; what was asked for once is kept.
TORCH         ?= $(if $(wildcard $(VENV)/.torch-cuda),cuda,cpu)
TORCH_VERSION := 2.13.0
TORCH_LOCAL   := $(if $(filter Linux,$(shell uname -s)),+cpu)
TORCH_cpu     := "torch==$(TORCH_VERSION)$(TORCH_LOCAL)" --extra-index-url https://download.pytorch.org/whl/cpu
TORCH_cuda    := "torch==$(TORCH_VERSION)" --force-reinstall
PIP           := $(BIN)/python -m pip install --quiet --disable-pip-version-check

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/.viz ## analyse the embedded sample: a score table, analysis.zarr and analysis.png
	@$(BIN)/adaf demo

test: lint types docs ## everything that must hold: lint, types, documentation, tests and doctests
	@$(BIN)/python -m pytest $(PYTEST)

lint: $(VENV)/.test ## style of the code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.test ## static types
	@$(BIN)/mypy

docs: $(VENV)/.test ## the documentation, strict, in docs/_build/html
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs docs/_build/html
	@echo "documentation: docs/_build/html/index.html"

bench: $(VENV)/.test ## the benchmarks: ratios against references of the same run
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

real: $(VENV)/.test ## the runs on real files, in the folder that ADAF_XR_REALDATA names
	@for script in tests/benchmarks/real_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean: ## remove everything that can be made again, .venv included
	rm -rf $(VENV) build dist docs/_build analysis.zarr analysis.zarr.done analysis.png
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "adaf_xr needs Python 3.11 or newer with venv, and none is on the path." \
		"Install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.torch-$(TORCH): | $(VENV)/.made
	@echo "installing torch $(TORCH_VERSION) ($(TORCH) build)"
	@$(PIP) --no-deps --retries 1 $(TORCH_$(TORCH)) || { echo "no $(TORCH) build of torch $(TORCH_VERSION) was found:" \
		"is its index reachable? \`make TORCH=cuda ...\` takes the default build, on Linux several gigabytes" >&2; exit 1; }
	@rm -f $(VENV)/.torch-* && touch $@

$(VENV)/.viz: pyproject.toml $(VENV)/.torch-$(TORCH)
	@echo "installing adaf_xr with its plots"
	@$(PIP) --editable ".[viz]"
	@touch $@

# The test extra holds the plots: after `make test` nothing is left for `make demo` to install.
$(VENV)/.test: pyproject.toml $(VENV)/.torch-$(TORCH)
	@echo "installing adaf_xr with its tests"
	@$(PIP) --editable ".[test]"
	@touch $@ $(VENV)/.viz
