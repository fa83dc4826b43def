# One word for each job. A fresh machine needs Python 3.11 or newer and a package registry, nothing else.
#
#   make demo    train a network on handwritten digits and draw what it learned
#   make test    run the tests
#   make nightly run the tests that take many minutes: thousands of killed saves and damaged files
#   make bench   measure speed and memory beside the peers, write benchmarks/RESULTS.md
#   make bench-plots  draw how cost grows with batch, length, vocabulary, width, depth, folds and devices
#   make lint    ruff and pyright
#   make clean   remove what the other words made

VENV ?= .venv
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then echo $$python; break; fi; done)
# More words for pytest: make test PYTEST_ARGS='-k dense -x'
PYTEST_ARGS ?=
# More words for the runner: make bench BENCH_ARGS='mlp --runs 3'
BENCH_ARGS ?=

PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
IN_VENV := $(VENV)/bin/python

.PHONY: help demo test nightly bench bench-plots lint clean
help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.installed-demo
	$(VENV)/bin/hornbeam demo

# Two workers, because two cores are the least a machine has today; tests/conftest.py shares the threads among them.
test: $(VENV)/.installed-test
	$(IN_VENV) -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

nightly: $(VENV)/.installed-test
	$(IN_VENV) -m pytest -n 2 --dist worksteal -m nightly $(PYTEST_ARGS)

bench: $(VENV)/.installed-bench
	$(IN_VENV) benchmarks/run.py --install $(BENCH_ARGS)

bench-plots: $(VENV)/.installed-bench
	$(IN_VENV) benchmarks/plots.py --install $(BENCH_ARGS)

lint: $(VENV)/.installed-dev
	$(IN_VENV) -m ruff check src tests benchmarks examples
	$(IN_VENV) -m pyright

clean:
	rm -rf $(VENV) benchmarks/.venvs build dist demo .pytest_cache .ruff_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp a job: the second call installs nothing. A virtual environment that somebody else made gets what it lacks.
EXTRAS_demo := plot,data
EXTRAS_test := test
EXTRAS_bench := test
EXTRAS_dev := dev

$(VENV)/.installed-%: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing hornbeam[$(EXTRAS_$*)] into $(VENV)"
	@$(IN_VENV) $(PIP_INSTALL) --editable '.[$(EXTRAS_$*)]'
	@touch $@

# pip is the last thing a virtual environment receives, so a half-made one is finished here.
$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "Hornbeam needs Python 3.11 or newer with its venv module: \
	install one, or say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
