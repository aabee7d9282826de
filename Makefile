# The commands of the project. `make` alone lists them.
#
#   make demo            install, paint with the shipped models, train one from your own pictures
#   make test            install with the test extras and run the suite
#
# Variables:
#   PYTHON=python3.12    the interpreter that makes .venv (3.11 or newer)
#   TORCH_INDEX=URL      one more package index; PyTorch's CPU wheel index keeps CUDA libraries out
#   JOBS=2               processes that run the suite
#   INIT, STEPS, COUNT   of the demo: weights to start from, training steps, pictures to draw

PYTHON ?= python3
TORCH_INDEX ?=
JOBS ?= 2
INIT ?= flowers
STEPS ?= 300
COUNT ?= 3000

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt \
           $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
# Tests start hundreds of processes, and each would compile the package anew.
export PYTHONDONTWRITEBYTECODE :=
CODE := src tests scripts examples benchmarks

.PHONY: course course-smoke help demo test test-quick mutants dist check format docs pictures models bench bench-models bench-speed bench-quality gpu-check results soak browser constraints clean
.DELETE_ON_ERROR:

help:
	@echo "make demo         install and show the main job, from words to pictures (a few minutes)"
	@echo "make test         install with the test extras and run the suite"
	@echo "make test-quick   the part of the suite that is worth running on each save (a minute)"
	@echo "make mutants      plant faults in a copy and see that a test fails (half an hour)"
	@echo "make check        ruff format, ruff lint, mypy (strict on the lower floors)"
	@echo "make format       let ruff put the code into form"
	@echo "make docs         build the documentation into site/"
	@echo "make models       train the shipped models again, into runs/shipped/ (hours on two cores)"
	@echo "make bench        measure everything again, and fill README and docs/performance.md (hours)"
	@echo "make results      measure everything on docs/results.md again, and write it (hours)"
	@echo "make pictures     draw the pictures of the docs again, into docs/images/ (ten minutes)"
	@echo "make soak         kill, cut, damage and fuzz for hours; fill docs/reliability.md"
	@echo "make browser      play every story of the studio in a headless browser, and draw its views (ten minutes)"
	@echo "make gpu-check    try everything on this machine's GPU; writes benchmarks/results/gpu_check.json"
	@echo "make bench-speed  only what docs/performance.md shows, without time to quality (an hour or two)"
	@echo "make course       run every lesson of the course in full, and keep the notebooks (half an hour)"
	@echo "make course-smoke run every lesson in its smallest size (two minutes)"
	@echo "make dist         build the wheel and the source distribution into dist/, and try the wheel"
	@echo "make clean        remove what these commands made, but for .venv"

demo: $(VENV)/.installed
	$(BIN)/python examples/demo.py --init "$(INIT)" --steps $(STEPS) --count $(COUNT)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

test-quick: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not slow"

dist: $(VENV)/.installed-test
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist
	$(BIN)/python -m pytest -q tests/stories/test_wheel.py

mutants: $(VENV)/.installed-test
	$(BIN)/python benchmarks/mutants.py
	$(BIN)/python scripts/fill_reliability.py

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/python scripts/write_notebook.py --check
	$(BIN)/python scripts/write_course.py --check

format: $(VENV)/.installed-dev
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "built site/index.html"

# The recipes of the shipped models, in the order in which each step needs the one before.
models: runs/shipped/digits runs/shipped/flowers runs/shipped/digits-fast runs/shipped/flowers-fast
	@echo "to ship them, put the folders of runs/shipped/ into src/ddpm_clip/weights/"

runs/shipped/%: runs/%-clip/mini_clip.safetensors
	$(BIN)/ddpm-clip train --config config/$*.yaml --out runs/$*
	$(BIN)/python scripts/train_judge.py --preset $* --out runs/$*-judge --steps 700
	rm -rf $@
	$(BIN)/ddpm-clip pack runs/$* --out $@ --name $*
	cp -r runs/$*-judge $@/judge
	if [ -d runs/$*-scorer ]; then cp -r runs/$*-scorer $@/scorer; fi
	for part in . embedder judge scorer; do \
	  [ ! -d $@/$$part ] || cp src/ddpm_clip/weights/$*/licence.json $@/$$part/ || exit 1; done

# Their twins of two network calls learn from the models that are installed.
runs/shipped/%-fast: | $(VENV)/.installed
	$(BIN)/ddpm-clip distill $* --calls 2 --out runs/$*-fast
	rm -rf $@
	$(BIN)/ddpm-clip pack runs/$*-fast --out $@ --name $*-fast

runs/shipped/digits: runs/digits-scorer/mini_clip.safetensors
runs/digits-scorer/mini_clip.safetensors: | $(VENV)/.installed
	$(BIN)/ddpm-clip train-clip --config config/digits_scorer.yaml --out $(@D) --overwrite

.PRECIOUS: runs/%-clip/mini_clip.safetensors
runs/%-clip/mini_clip.safetensors: | $(VENV)/.installed
	$(BIN)/ddpm-clip train-clip --config config/$*.yaml --out runs/$*-clip --overwrite

# An otherwise idle machine, please: figures are of whatever else it does as well.
SPEED := train_step roofline group_norm sampling startup busy cost_growth embedding manifest memory \
         decoding
bench: bench-models bench-speed bench-quality

bench-models: $(VENV)/.installed
	$(BIN)/python benchmarks/digits_from_words.py --again
	$(BIN)/python benchmarks/flowers_from_words.py
	for name in fill_figures fill_inline; do $(BIN)/python scripts/$$name.py || exit 1; done

# What docs/results.md shows; the runs that it needs are trained, or gone on with.
QUALITY := attributes clips coverage_of_prompts sensitivity flowers_from_words noise_levels \
           explained inpainting_rounds
IN_PARTS := bridges beside_real without_words three_tasks fashion photos emoji promise
results: runs/digits-second-judge/judge.safetensors runs/noise-aware/mini_clip.json | $(VENV)/.installed
	$(BIN)/python benchmarks/digits_from_words.py --again --second-judge $(<D)
	for name in $(IN_PARTS); do $(BIN)/python benchmarks/$$name.py --again || exit 1; done
	$(BIN)/python benchmarks/clip_guidance.py --guide runs/noise-aware
	for name in $(QUALITY); do $(BIN)/python benchmarks/$$name.py || exit 1; done
	$(BIN)/python benchmarks/photos.py --again --config config/photos_64.yaml
	for name in fill_figures fill_tasks fill_bridges fill_inline write_results_page; do $(BIN)/python scripts/$$name.py || exit 1; done

runs/noise-aware/mini_clip.json: | $(VENV)/.installed
	$(BIN)/ddpm-clip train-clip --preset digits --set embedder.noise_aware=true --set embedder.seed=7 --out $(@D)

runs/digits-second-judge/judge.safetensors: | $(VENV)/.installed
	$(BIN)/python scripts/train_judge.py --preset digits --seed 4711 --steps 700 --out $(@D)

pictures: $(VENV)/.installed
	$(BIN)/python scripts/draw_docs_pictures.py

# Long ones go on where they were stopped.
SOAKS := crash_points kill9 signals races damaged bad_files reproduce malicious \
         fuzz_images fuzz_models fuzz_configs fuzz_caches fuzz_metadata server server_memory
soak: $(VENV)/.installed
	for name in $(SOAKS); do $(BIN)/python benchmarks/soak/$$name.py || exit 1; done
	for name in fill_reliability fill_studio fill_inline; do $(BIN)/python scripts/$$name.py || exit 1; done

bench-speed: $(VENV)/.installed
	for name in $(SPEED); do $(BIN)/python benchmarks/$$name.py || exit 1; done
	$(BIN)/python benchmarks/roofline.py --optimizer muon --out benchmarks/results/roofline_muon.json
	for name in write_performance_page fill_inline; do $(BIN)/python scripts/$$name.py || exit 1; done

bench-quality: $(VENV)/.installed
	$(BIN)/python benchmarks/time_to_quality.py --again
	$(BIN)/python scripts/write_performance_page.py

# Exit code 2 where there is no Chromium, 1 where a story failed.
browser: $(VENV)/.installed-test
	$(BIN)/python benchmarks/studio_browser.py
	$(BIN)/python scripts/fill_studio.py

# Exit code 2 where there is no GPU, 1 where something failed on it.
gpu-check: $(VENV)/.installed-test
	$(BIN)/python benchmarks/gpu_check.py

# An otherwise idle machine, please: lessons tell how long things take.
course: $(VENV)/.installed-test
	$(BIN)/python scripts/write_course.py --run all --check

course-smoke: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q tests/course/test_lessons.py

constraints: $(VENV)/.installed-test $(VENV)/.installed-dev $(VENV)/.installed-docs $(VENV)/.installed-course
	grep '^#' constraints.txt > constraints.new
	$(BIN)/pip freeze --all --exclude-editable --exclude pip | sed 's/+cpu$$//' >> constraints.new
	mv constraints.new constraints.txt
	$(BIN)/python scripts/check_pins.py
	$(BIN)/python scripts/write_licences_page.py

clean:
	rm -rf build dist site demo .pytest_cache .mypy_cache .ruff_cache

# One environment; a stamp for each set of packages, so that nothing is installed twice.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "ddpm_clip needs Python 3.11 or newer, and '$(PYTHON)' is not." >&2; \
	  echo "Name another one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	@echo "installing into $(VENV) (once; a few minutes where torch has to be downloaded)"
	$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-test $(VENV)/.installed-dev $(VENV)/.installed-docs $(VENV)/.installed-course: $(VENV)/.installed-%: $(VENV)/.made pyproject.toml constraints.txt
	@echo "installing into $(VENV), with what '$*' needs"
	$(INSTALL) -e '.[$*]'
	@touch $@
