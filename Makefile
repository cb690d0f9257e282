# Everything here sets itself up in .venv. PYTHON=python3.12 chooses the interpreter, and
# DATA=path/to/BSDS500 the real data for the demo.

FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
  $$name -c '$(FITS)' 2>/dev/null && echo $$name && break; done)
PYTHON := $(or $(PYTHON),python3)
endif

BIN := .venv/bin
# Another interpreter or another lock makes another environment.
KEY := $(shell { $(PYTHON) -VV; cat requirements.lock; } 2>&1 | cksum | cut -d ' ' -f 1)
PACKAGES := .venv/packages-$(KEY)
PROJECT := .venv/project

# Runs a command, then says how long it took.
timed = @echo "== $(1)"; start=$$(date +%s); $(2); result=$$?; \
  echo "== $(1): $$(( $$(date +%s) - start )) s"; exit $$result

# Installs Debian's packages $(2) where it may; $(1) is what people call them.
apt = if [ "$$(id -u)" = 0 ]; then as=env; else as="sudo -n"; fi; \
  if command -v apt-get >/dev/null && $$as true 2>/dev/null; then \
    echo "installing $(1) with apt-get"; \
    $$as apt-get update -qq; \
    $$as env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(2) </dev/null; \
  fi;

PYTEST := $(BIN)/python -m pytest --cov --durations=20

.PHONY: help setup system browser demo test lint types release models model-cnn model-resnet lock clean

help:
	@echo "make demo             grade a sample class on synthetic data; DATA=path/to/BSDS500: on the real data"
	@echo "make test             all checks and tests"
	@echo "make lint, make types only these checks"
	@echo "make models           train the apps' models again: 13 hours; DATA=path/to/BSDS500"
	@echo "make release          solutions/ -> assignments/ and dist/student-bundle.zip"
	@echo "make lock             renew requirements.lock"
	@echo "make clean            delete .venv and what the other commands made"

setup: $(PROJECT) system

# The lock holds everything, so nothing is resolved (--no-deps): a release that is newer than the
# lock cannot come into play. That the locked versions fit together is checked afterwards.
$(PACKAGES): requirements.lock
	@$(PYTHON) -c '$(FITS)' 2>/dev/null || { found=$$($(PYTHON) -V 2>&1) || found=nothing; \
	  echo "expected Python 3.11 to 3.13, found $$found as $(PYTHON);" \
	  "install one and name it: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "installing the packages of requirements.lock into .venv: minutes the first time"
	@$(PYTHON) -m venv --clear .venv || { echo "$(PYTHON) cannot make a virtual environment;" \
	  "on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock
	@$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

$(PROJECT): $(PACKAGES) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Submissions are run inside bubblewrap. Where it cannot be installed, the rest still works.
system:
	@command -v bwrap >/dev/null && exit 0; \
	$(call apt,bubblewrap,bubblewrap) \
	command -v bwrap >/dev/null || echo "missing: bubblewrap, which isolates submissions while they are graded." \
	  "Debian, Ubuntu: sudo apt-get install bubblewrap; Fedora: sudo dnf install bubblewrap;" \
	  "other systems: grade in a Linux virtual machine. Going on without it."

demo: setup
	@$(BIN)/python -m grader.demo $(if $(DATA),--data "$(DATA)")

# The demos are tested in a real browser. Where there is none, those tests are skipped.
browser:
	@for name in chromium google-chrome chrome; do command -v $$name >/dev/null && exit 0; done; \
	$(call apt,Chromium,chromium chromium-driver) \
	command -v chromium >/dev/null || echo "missing: Chromium, in which the demos are tested." \
	  "Debian: sudo apt-get install chromium chromium-driver; Fedora: sudo dnf install chromium" \
	  "chromedriver. Going on without it."

test: setup browser
	$(call timed,lint,$(MAKE) --no-print-directory lint)
	$(call timed,types,$(MAKE) --no-print-directory types)
	$(call timed,tests,$(PYTEST) --numprocesses logical --maxprocesses 4 --dist loadfile -m "not alone" \
	  --cov-report=; together=$$?; \
	  $(PYTEST) -m alone --cov-append --cov-report=term:skip-covered && test $$together = 0)

lint: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: setup
	@$(BIN)/mypy

release: setup
	@$(BIN)/bsds release

# Whatever interrupts it, the same command goes on; remove runs/ to begin anew. A first training is on
# train alone, so that val says where the threshold is; a second on train and val; a short one on
# views at the scale at which pictures come; then longer ones, at higher rates. The cnn's fifth has more
# filters: it lacked room, since its IoU was no better than 0.504 on val, which it had been trained on.
# The sixth looks further around: then that was 0.528, but 0.508 of full-size maps. The seventh pastes
# regions of other images: then it had learnt its images by heart, with 0.546 there and 0.517 on test.
# So does the resnet's fifth, after 0.543 and 0.503. The eighth pastes more. Of whole pictures the mean
# of maps at three scales is best: benchmarks/ablation.md.
train = $(BIN)/bsds train $(1) $(if $(DATA),--root "$(DATA)") --run runs/$(2) \
  $(if $(wildcard runs/$(2)/checkpoint.zip),--resume)
TRAIN_VAL := --splits train,val --threshold 0.32
SECOND := --seed 2 --minutes 75 $(TRAIN_VAL)
THIRD := --seed 3 --minutes 10 $(TRAIN_VAL) --spread 0.25 --native 0.25
LATER := $(TRAIN_VAL) --spread 0.5
WIDE := --width 8,24,64,128 --rate 0.003
AROUND := --dilations 2,4 --native 0.6
AT_LAST := $(LATER) --rate 0.0001
SCALES := --scales 0.5,0.8,1.25
models: model-cnn model-resnet

model-cnn: runs/cnn-seventh.keras
	@$(call train,cnn,cnn) $(WIDE) $(AROUND) --paste 0.75 --seed 9 --minutes 110 $(LATER) $(SCALES) --start $<

runs/cnn-seventh.keras: runs/cnn-sixth.keras
	@$(call train,cnn,cnn-seventh) $(WIDE) $(AROUND) --paste 0.5 --seed 7 --minutes 75 $(LATER) --start $< -o $@

runs/cnn-sixth.keras: runs/cnn-fifth.keras
	@$(call train,cnn,cnn-sixth) $(WIDE) $(AROUND) --seed 6 --minutes 60 $(LATER) --start $< -o $@

runs/cnn-fifth.keras: runs/cnn-fourth.keras
	@$(call train,cnn,cnn-fifth) $(WIDE) --seed 5 --minutes 108 $(LATER) --start $< -o $@

runs/cnn-fourth.keras: runs/cnn-third.keras
	@$(call train,cnn,cnn-fourth) --width 8 --seed 4 --minutes 75 $(LATER) --rate 0.002 --start $< -o $@

runs/cnn-third.keras: runs/cnn-second.keras
	@$(call train,cnn,cnn-third) --width 8 $(THIRD) --rate 0.001 --start $< -o $@

runs/cnn-second.keras: runs/cnn-first.keras
	@$(call train,cnn,cnn-second) --width 8 $(SECOND) --start $< -o $@

runs/cnn-first.keras: | setup
	@$(call train,cnn,cnn-first) --width 8 --minutes 31 -o $@

model-resnet: runs/resnet-fourth.keras
	@$(call train,resnet,resnet) $(AT_LAST) --paste 0.5 --seed 5 --minutes 60 $(SCALES) --start $<

runs/resnet-fourth.keras: runs/resnet-third.keras
	@$(call train,resnet,resnet-fourth) $(AT_LAST) --seed 4 --minutes 38 --start $< -o $@

runs/resnet-third.keras: runs/resnet-second.keras
	@$(call train,resnet,resnet-third) $(THIRD) --rate 0.00003 --start $< -o $@

runs/resnet-second.keras: runs/resnet-first.keras
	@$(call train,resnet,resnet-second) $(SECOND) --start $< -o $@

runs/resnet-first.keras: | setup
	@$(call train,resnet,resnet-first) --minutes 42 -o $@

# One version of each package for all Python versions, with hashes, so that what is installed is
# what was tested. --upgrade takes the newest versions that pyproject.toml allows.
lock: setup
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	  --fork-strategy fewest --all-extras --generate-hashes --no-annotate --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" \
	  pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv demo dist .coverage htmlcov .pytest_cache .mypy_cache .ruff_cache .hypothesis
