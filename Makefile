.DEFAULT_GOAL := help
.PHONY: help install install-dev run test check audit format image requirements train backtest bundles presence paper fuzz bench \
  bench-peers soak sample clean

PYTHON3 ?= python3
VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check
SERVING := $(VENV)/.serving
DEV := $(VENV)/.dev
HOST ?= 127.0.0.1
PORT ?= 8000
ENGINE ?= docker
CANDIDATES ?= var/candidates
PEERS := mlserver==1.7.1 bentoml==1.4.40
REAL := ../shared/data/ph
# Training takes DATA, else the real chart where it is at hand, else the committed sample, which has dates of its own.
ifneq ($(or $(wildcard $(REAL)),$(filter command line environment,$(origin DATA))),)
  ifeq ($(filter command line environment,$(origin DATA)),)
    DATA := $(REAL)/spotify_daily_charts.csv.gz
    TRACKS ?= $(REAL)/spotify_daily_charts_tracks.csv $(REAL)/time_signature.csv
  endif
  TRAIN_THROUGH ?= 2020-06-30
  VALIDATE_THROUGH ?= 2020-10-31
  TEST_FROM ?= 2020-11-01
else
  DATA ?= data/sample/charts
  TRACKS ?= data/sample/tracks.csv
  TRAIN_THROUGH ?= 2020-11-20
  VALIDATE_THROUGH ?= 2020-12-05
  TEST_FROM ?= 2020-12-06
endif
TEST_TO ?= 2020-12-30
SEEDS ?= 1 2 3
ALL_THROUGH ?= 2020-12-31
CHARTS = --data "$(DATA)" $(foreach path,$(TRACKS),--tracks "$(path)")
FIT = $(PYTHON) -m training fit $(CHARTS)

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
	@exec $(PYTHON) -m app serve --host $(HOST) --port $(PORT) \
	  $(if $(filter command line environment,$(origin DATA)),--data "$(DATA)") \
	  $(if $(filter command line environment,$(origin TRACKS)),$(foreach path,$(TRACKS),--tracks "$(path)"))

test: $(DEV)  ## The whole suite, on SQLite and on a real PostgreSQL
	$(PYTHON) -m pytest

fuzz: $(DEV)  ## Requests made from the OpenAPI document for SECONDS, against a server on the sample
	$(PYTHON) -m tests.fuzz --seconds $(or $(SECONDS),300) $(if $(SEED),--seed $(SEED))

check: $(DEV)  ## Format, lint (security too), strict types, known vulnerabilities
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	@$(MAKE) --no-print-directory audit

audit: $(DEV)  ## Look up known vulnerabilities of what ships; says so where they cannot be looked up
	@test -x var/audit/bin/pip-audit || { $(PYTHON3) -m venv var/audit && \
	  var/audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.10,<3'; } || true
	@$(PYTHON) -m tests.dependency_audit

format: $(DEV)  ## Mend format and lint
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

train: $(DEV)  ## Fit the three models on DATA, TRACKS through TRAIN_THROUGH, into CANDIDATES
	rm -rf $(CANDIDATES)
	for seed in $(SEEDS); do \
	  $(FIT) --model lstm --seed $$seed --train-through $(TRAIN_THROUGH) --validate-through $(VALIDATE_THROUGH) \
	    --out $(CANDIDATES)/members/lstm-$$seed || exit 1; \
	  $(FIT) --model multi_input --seed $$seed --train-through $(TRAIN_THROUGH) --validate-through $(VALIDATE_THROUGH) \
	    --recurrent $(CANDIDATES)/members/lstm-$$seed --out $(CANDIDATES)/members/multi_input-$$seed || exit 1; \
	done
	$(FIT) --model gru --train-through $(TRAIN_THROUGH) --validate-through $(VALIDATE_THROUGH) \
	  --out $(CANDIDATES)/gru
	for model in lstm multi_input; do \
	  $(PYTHON) -m training ensemble $(foreach seed,$(SEEDS),--bundle $(CANDIDATES)/members/$$model-$(seed)) \
	    --out $(CANDIDATES)/$$model || exit 1; \
	done

backtest: $(DEV)  ## Score CANDIDATES on cutoffs TEST_FROM to TEST_TO against the baselines
	$(PYTHON) -m training backtest $(CHARTS) --from $(TEST_FROM) --to $(TEST_TO) \
	  $(foreach model,lstm gru multi_input,--bundle $(CANDIDATES)/$(model))

presence: $(DEV)  ## Score who will be on the chart, and what says so, on DATA; PUBLISH=app/bundles refits and publishes it
	rm -rf var/presence
	$(PYTHON) -m training presence $(CHARTS) --out var/presence $(if $(PUBLISH),--publish $(PUBLISH))

bundles: train backtest  ## Refit them on all days and publish them into the app: the bundles that ship
	rm -rf $(CANDIDATES)-all
	for seed in $(SEEDS); do \
	  $(FIT) --model lstm --seed $$seed --train-through $(ALL_THROUGH) --epochs-of $(CANDIDATES)/members/lstm-$$seed \
	    --out $(CANDIDATES)-all/members/lstm-$$seed || exit 1; \
	  $(FIT) --model multi_input --seed $$seed --train-through $(ALL_THROUGH) \
	    --epochs-of $(CANDIDATES)/members/multi_input-$$seed \
	    --recurrent $(CANDIDATES)-all/members/lstm-$$seed --out $(CANDIDATES)-all/members/multi_input-$$seed || exit 1; \
	done
	$(FIT) --model gru --train-through $(ALL_THROUGH) --epochs-of $(CANDIDATES)/gru --out $(CANDIDATES)-all/gru
	for model in lstm multi_input; do \
	  $(PYTHON) -m training ensemble $(foreach seed,$(SEEDS),--bundle $(CANDIDATES)-all/members/$$model-$(seed)) \
	    --out $(CANDIDATES)-all/$$model || exit 1; \
	done
	for model in lstm gru multi_input; do \
	  $(PYTHON) -m training publish --bundle $(CANDIDATES)-all/$$model --figures-of $(CANDIDATES)/$$model \
	    --to app/bundles || exit 1; \
	done
	$(MAKE) presence PUBLISH=app/bundles
	$(PYTHON) -m training popularity $(CHARTS) --publish app/bundles

paper: $(DEV)  ## Remake the paper's experiments on DATA: tables, figures and index.html in var/paper
	$(PYTHON) -m training paper $(CHARTS) --out var/paper

bench: $(DEV)  ## Measure every goal of speed against its floor, under 15 minutes; ONLY="serving ingest" some of it
	$(PYTHON) -m tests.bench $(ONLY)

bench-peers: $(SERVING)  ## Install MLServer and BentoML beside .venv, for `make bench` to compare with
	for peer in $(PEERS); do \
	  environment=var/peers/$${peer%%=*} && \
	  $(PYTHON) -m venv $$environment && \
	  $(PIP) freeze | grep -E '^(numpy|onnxruntime)==' > $$environment/same-as-ours.txt && \
	  $$environment/bin/python -m pip install --quiet --disable-pip-version-check $$peer \
	    -r $$environment/same-as-ours.txt || exit 1; \
	done

soak: $(DEV)  ## Ten minutes of mixed load on two workers: no error, memory flat; SECONDS=60, STORE=postgres
	$(PYTHON) -m tests.soak --seconds $(or $(SECONDS),600) --store $(or $(STORE),sqlite)

sample: $(DEV)  ## Invent the committed sample charts anew
	$(PYTHON) -m training simulate --out data/sample --regions ph,us --days 90 --end 2020-12-31 --seed 7

image:  ## Build the serving image with ENGINE (docker); without one: deploy/build-without-engine.sh
	$(ENGINE) build --target serving --tag chartcast --build-arg REVISION=$$(git rev-parse HEAD) \
	  --build-arg VERSION=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) .

requirements:  ## Pin the requirements anew (wants uv on the path)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra training --extra tracing --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra tracing -c requirements-dev.txt pyproject.toml -o requirements-tracing.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra training --extra tracing -c requirements-dev.txt pyproject.toml -o requirements-training.txt

clean:  ## Remove what the commands above made, but not the environment
	rm -rf var .pytest_cache .mypy_cache .ruff_cache
