# make demo: the bundled agents, baselines and the certified optimum on one environment, into report/
# make test: everything that must hold before a change lands

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet -c constraints.txt
MANIFESTS := pyproject.toml constraints.txt
DEMO_ID := AMC-MobileNetV1-v0
DEMO_SEEDS := 6

# Solvers and tests run one process per core: more threads would only get in each other's way.
export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint format clean

demo: $(VENV)/.demo
	$(BIN)/hwenvs compare $(DEMO_ID) --solvers ddpg,decomposition,random,uniform,cma-es,exact \
		--evaluations 400 --seeds $(DEMO_SEEDS) --workers 2 --out report

test: lint
	$(BIN)/python -m pytest -n 2 -q

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist report *.egg-info

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	touch $@

# The stamps are older than nothing but the manifests: a second run installs nothing.
$(VENV)/.demo: $(VENV)/.created $(MANIFESTS)
	$(PIP) --editable '.[demo]'
	touch $@

$(VENV)/.dev: $(VENV)/.created $(MANIFESTS)
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.demo
