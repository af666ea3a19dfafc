.DEFAULT_GOAL := help
.PHONY: help install install-dev run test check format requirements train backtest bench simulate bundles clean

PYTHON3 ?= python3
VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check
SERVING := $(VENV)/.serving
DEV := $(VENV)/.dev
HOST ?= 127.0.0.1
PORT ?= 8000
MODEL ?= all
OUT ?= var/models
# The real chart where it is at hand, else the committed sample.
DATA ?= $(firstword $(wildcard ../shared/data/ph/spotify_daily_charts.csv.gz) data/sample/charts)
TRACKS ?= $(firstword $(wildcard ../shared/data/ph/spotify_daily_charts_tracks.csv) data/sample/tracks.csv)

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(PYTHON):
	$(PYTHON3) -m venv $(VENV)

$(SERVING): requirements.txt | $(PYTHON)
	$(PIP) install --require-hashes -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt | $(SERVING)
	$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

install: $(SERVING)  ## Make .venv with what serving needs (no TensorFlow)

install-dev: $(DEV)  ## Add what training and the tests need to .venv

run: $(SERVING)  ## Serve on 127.0.0.1:8000; DATA= and TRACKS= load other charts into an empty store
	$(PYTHON) -m app serve --host $(HOST) --port $(PORT) \
	  $(if $(filter command line environment,$(origin DATA)),--data "$(DATA)") \
	  $(if $(filter command line environment,$(origin TRACKS)),$(foreach path,$(TRACKS),--tracks "$(path)"))

test: $(DEV)  ## The whole suite, on SQLite and on a real PostgreSQL
	$(PYTHON) -m pytest

check: $(DEV)  ## Format, lint, strict types
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

format: $(DEV)  ## Mend format and lint
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

requirements:  ## Pin the requirements anew (wants uv on the path)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra training --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean:  ## Remove what the commands above made, but not the environment
	rm -rf var .pytest_cache .mypy_cache .ruff_cache
