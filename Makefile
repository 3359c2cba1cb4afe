# Two commands do everything on a Debian machine with Python and make:
#   make demo   the head-to-head and its report      make test   the tests
# BROKERS=pylog BACKEND=process make demo installs nothing but Python packages.

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
BROKERS ?= kafka,pylog,rabbitmq,activemq
BACKEND ?= auto
RUNS    ?= 3
FUZZ_RUNS ?= 1000000
TEST_JOBS ?= 2
OUT     ?= reports/demo
SHELL   := /bin/sh
# Dozens of processes start in a run: none should compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-thorough check lint unit bench fuzz setup brokers images clients conform sample clean

# BACKEND=auto takes containers where an engine answers and every image is there or can be pulled, else local copies
demo: setup
	@backend=$(BACKEND); \
	  if [ "$$backend" = auto ]; then backend=$$($(BIN)/python -m harness.brokers.choose $(BROKERS)) || exit; fi; \
	  if [ "$$backend" = process ]; then $(MAKE) --no-print-directory brokers || exit; fi; \
	  set -x; $(BIN)/harness run clickstream_fanout priority_tasks password_reset \
	    -b $(BROKERS) -n $(RUNS) -o $(OUT) --replace --backend $$backend

# The committed sample anew, whole: the demo, its page and result, the picture of its first screen, the README's table
sample: demo
	$(BIN)/python -m harness.reporting.sample $(OUT)

test: setup
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile --no-loadscope-reorder

check: lint unit

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-thorough: setup
	$(BIN)/python -m pytest -m thorough

unit: setup
	$(BIN)/python -m pytest -m "not broker and not container and not browser and not thorough" -q --ignore=tests/end_to_end --ignore=tests/packaging

# A million hostile frames against the log broker, guided by coverage; a finding is kept as crash-*.
fuzz: setup
	$(BIN)/python -m tests.fuzz.frames -runs=$(FUZZ_RUNS)

bench: setup brokers
	$(BIN)/harness bench judge --events 1M
	$(BIN)/harness bench record
	$(BIN)/harness bench pylog
	$(BIN)/harness bench driver

setup: $(VENV)/.ready

brokers: setup
	$(BIN)/python -m harness.brokers.install --brokers $(BROKERS) --yes

# images of the brokers for places without an image registry; the base is made with debootstrap (as root) where it cannot be pulled
images: setup
	$(BIN)/python -m harness.brokers.build

# Programs around clients of other languages, for the tests: needs a JDK, Go and Node.js; what is not there is left out.
clients: setup
	$(BIN)/python -m tests.clients.prepare

# pylog against Apache Kafka, request by request; every difference is explained in tests/conformance/differences.yaml.
conform: setup
	$(BIN)/python -m tests.conformance

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 3; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  package=$$($(PYTHON) -c 'import sys; print("python3.%d-venv" % sys.version_info[1])'); \
	  root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  echo "about to install the Debian package $$package, which Python needs to make an environment"; \
	  $$root apt-get update -q && $$root apt-get install -y -q --no-install-recommends $$package; }
	@echo "about to make the environment $(VENV) from requirements.lock (Python packages only, about a minute)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .hypothesis
