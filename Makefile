# Two commands do everything on a fresh machine: `make run` and `make test`. Both set up .venv first, once.
PYTHON ?= python3
# For a machine without internet: make setup PIP_OPTIONS="--no-index --find-links wheels" (see README, "Without internet").
PIP_OPTIONS ?=
BIN := .venv/bin
READY := .venv/.ready
SAMPLE := data/sample

export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup browser run serve test test-spark check campaigns lint fuzz faults bench bench-year mutate audit-bench docs format lock clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tthc needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes $(PIP_OPTIONS) -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e .
	@touch $(READY)

# The main job on data/raw; on generated samples, in a warehouse of their own, while data/raw is empty.
run: setup
	@if [ -n "$$(find data/raw -type f ! -name '.*' | head -n 1)" ]; then \
	  $(BIN)/tthc run; \
	else \
	  echo "data/raw is empty: running on generated samples in $(SAMPLE)"; \
	  test -f $(SAMPLE)/truth/sample.json || { rm -rf $(SAMPLE)/raw $(SAMPLE)/reference $(SAMPLE)/truth; $(BIN)/tthc sample $(SAMPLE) >/dev/null; }; \
	  $(BIN)/tthc run --raw $(SAMPLE)/raw --reference $(SAMPLE)/reference --warehouse $(SAMPLE)/warehouse/tthc.duckdb \
	    --outbox $(SAMPLE)/outbox --as-of 2024-06-30T23:00; \
	fi

# The schedule: Prefect's server and page on this machine only, nights at 00:30; Ctrl-C ends it.
serve: setup
	$(BIN)/tthc serve

# What the slow tests look at pages and papers with; tests whose program is absent are skipped. Debian and root (or sudo without a password) only.
browser:
	@if ! command -v apt-get >/dev/null; then echo "make browser needs apt-get; install chromium, libreoffice and poppler-utils by hand"; \
	elif command -v chromium >/dev/null && command -v soffice >/dev/null && command -v pdftoppm >/dev/null; then :; \
	else \
	  if [ "$$(id -u)" = 0 ]; then as_root=; else as_root="sudo -n"; fi; \
	  $$as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends \
	    chromium libreoffice-calc libreoffice-writer poppler-utils; \
	fi

# Every test but those on Spark (make test-spark). `make check` is the developers' gate before a commit: format, lint, types and the fast tests, in about two minutes.
test: setup
	$(BIN)/python -m pytest -n auto --ignore tests/parity

# Tests that go round and round (many nights, crashes, random examples) at their full counts; make test has a slice of each.
campaigns: setup
	CAMPAIGNS=whole $(BIN)/python -m pytest -n auto --ignore tests/parity -m campaign

# DuckDB, Spark and the plain-Python oracle give the same tables, row by row. Needs Java 17; pyspark is installed from its own lock (400 MB).
# `make test-spark PARITY_CASES=2000` tries a small sample.
PARITY_CASES ?= 100000
test-spark: setup
	@command -v java >/dev/null || { echo "make test-spark needs Java 17 (Debian: apt-get install openjdk-17-jre-headless)" >&2; exit 2; }
	@$(BIN)/python -c "import pyspark" 2>/dev/null || \
	  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --require-hashes $(PIP_OPTIONS) -r requirements-spark.lock
	PARITY_CASES=$(PARITY_CASES) $(BIN)/python -m pytest -n 0 tests/parity

check: lint
	$(BIN)/python -m pytest -n auto -m "not slow"

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Damaged exports through the real readers: none may crash, hang or vanish. Bounded; prints its figures.
fuzz: setup
	$(BIN)/python tests/fuzz.py

# A whole night made to fail at every side effect and killed at 500 random moments; hours. `make faults FAULTS="--every 20 --kills 50"` tries a part.
# Then twenty readers in front of thirty nights. Writes docs/faults.json, docs/readers.json and docs/reliability.md; a violation ends it with 1.
FAULTS ?=
faults: setup
	$(BIN)/python tests/faults/harness.py --shards 2 --out docs/faults.json $(FAULTS); code=$$?; \
	  $(BIN)/python tests/faults/crowd.py --out docs/readers.json || code=1; \
	  $(BIN)/python tests/faults/write_reliability.py; exit $$code

# The pipeline beside its peers on the same files, 100,000 and 1,000,000 dossiers; an hour, and only true on an idle machine. Writes docs/benchmarks.md.
# `make bench BENCH="--cases 100000 --repeat 1"` tries a part. The peers are installed once, into data/bench/peers.
BENCH ?=
bench: setup
	PYTHONPATH=tests $(BIN)/python -m bench.bench $(BENCH)

# A year of nightly full lists of 20,000 dossiers, 300 changes a night: what a night costs and what is kept. Ten minutes, or with YEAR=--whole hours;
# `make bench` puts its table into docs/benchmarks.md from then on.
YEAR ?=
bench-year: setup
	PYTHONPATH=tests $(BIN)/python -m bench.year $(YEAR)

# Every operator, constant and boundary of measures.yml changed, one at a time; the spec cases must notice each. About a minute and a half.
mutate: setup
	$(BIN)/python tests/mutate.py

# Sixty simulated nights with manipulations planted among honest corrections: precision and recall per rule; ends with 1 below the aims. Some minutes.
audit-bench: setup
	$(BIN)/python tests/bench/audit.py

# docs/measures.md from measures.yml and the spec cases; docs/audit.md from audit.yml; docs/data-dictionary.md from the contracts.
docs: setup
	PYTHONPATH=tests $(BIN)/python -m spec.write_docs
	PYTHONPATH=tests $(BIN)/python -m spec.audit_page
	$(BIN)/python -m flows.dictionary

# Needs `uv` (pip install uv). Universal: one lock for Linux and Windows, Python 3.11 and newer, no index addresses in it.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --no-strip-extras --group dev pyproject.toml -o requirements.lock
	$(PYTHON) -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['spark'], sep='\n')" | \
	  uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header - -o requirements-spark.lock

clean:
	rm -rf .venv *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis $(SAMPLE)
