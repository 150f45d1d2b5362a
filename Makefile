# Two commands matter: `make demo` shows the program at work, `make test` says whether a change is right.
# `make crash` pulls the plug a thousand times (DIGEST_CRASH_RUNS=25 seeds; `make test` does 200 kills with 5).
# `make replay` sends twelve years of a real site on both databases, and plans them for a thousand readers of their own.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check crash replay bench clean

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --group dev
	@./tests/install-browser
	touch $@

demo: $(VENV)/.ready
	$(BIN)/digest demo

check: $(VENV)/.ready-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy --strict digest
	$(BIN)/lint-imports --no-cache

test: check
	$(BIN)/pytest -n 4 --dist worksteal

crash: $(VENV)/.ready-dev
	DIGEST_CRASH_RUNS=$${DIGEST_CRASH_RUNS:-25} $(BIN)/pytest tests/crash

replay: $(VENV)/.ready-dev
	DIGEST_REPLAY_READERS=$${DIGEST_REPLAY_READERS:-1000} DIGEST_REPLAY_WEEKS=$${DIGEST_REPLAY_WEEKS:-0} \
		$(BIN)/pytest -s tests/scenarios/test_twelve_years.py tests/scenarios/test_own_twelve_years.py

bench: $(VENV)/.ready-dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) demo build dist
