# Verbs. Each makes the environment it needs in .venv; `make check` is what has to pass before a change lands.
PYTHON ?= python3
BIN := .venv/bin
INPUTS := setup.cfg pyproject.toml constraints.txt

.PHONY: demo test check fmt fmt-check lint types contracts wheel slow soak bench parity docs golden clean

demo: .venv/.demo          ## index sample photographs, answer six queries, draw demo-out/
	$(BIN)/polyseek demo --out demo-out

test: .venv/.dev           ## the test suite
	$(BIN)/pytest -q -n auto --maxprocesses 4 --dist loadfile -m "not slow and not soak"

check: fmt-check lint types contracts test wheel

.venv/.base: $(INPUTS)
	$(PYTHON) -m venv .venv
	touch $@

.venv/.demo: .venv/.base
	$(BIN)/pip install -q -c constraints.txt torch
	$(BIN)/pip install -q -c constraints.txt -e '.[cpu,mini,demo]'
	touch $@

.venv/.dev: .venv/.demo
	$(BIN)/pip install -q -c constraints.txt -e '.[cpu,mini,mini-en,demo,pg,dev]'
	-$(BIN)/pip install -q -c constraints.txt 'hnswlib>=0.8'  # compiled here; its tests go without it
	touch $@

fmt: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fmt-check: .venv/.dev
	$(BIN)/ruff format --check .

lint: .venv/.dev
	$(BIN)/ruff check .

types: .venv/.dev
	$(BIN)/mypy

contracts: .venv/.dev
	$(BIN)/lint-imports

wheel: .venv/.dev          ## build the wheel, install it alone, index and query with it
	$(BIN)/python tests/wheel_smoke.py

slow: .venv/.dev           ## the tests that take minutes
	$(BIN)/pytest -q -m slow

soak: .venv/.dev           ## kills and crashes, many times over
	$(BIN)/pytest -q -m soak

bench: .venv/.dev          ## speed, as ratios to known limits
	$(BIN)/python -m benchmarks.perf

parity: .venv/.dev .venv-parity/.made  ## the same model and files measured by CLIP_benchmark too
	$(BIN)/python -m benchmarks.parity --python .venv-parity/bin/python \
		--data "$${POLYSEEK_TEST_DATA:-../shared/data}"

.venv-parity/.made: benchmarks/parity/requirements.txt constraints.txt
	$(PYTHON) -m venv .venv-parity
	.venv-parity/bin/pip install -q -c constraints.txt torch  # first, or torchvision chooses its build
	.venv-parity/bin/pip install -q -c constraints.txt -r benchmarks/parity/requirements.txt
	touch $@

docs: .venv/.dev           ## regenerate docs/reference
	$(BIN)/python -m cli.reference

golden: .venv/.dev         ## rewrite the golden files after a wanted change of output
	POLYSEEK_REWRITE_GOLDEN=1 $(BIN)/pytest -q -m "not slow and not soak" tests/cli tests/e2e

clean:
	rm -rf .venv .venv-wheel .venv-parity build dist demo-out *.egg-info
