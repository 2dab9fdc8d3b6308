# `make` prints the verbs. Each is a line on a CMake preset or on a script in tools/.
PYTHON ?= python3
# Where the sample data and the server of `make run` live.
RUN_PORT ?= 8080
TEST_PYTHON := build/venv/bin/python
# The program that a preset builds.
program = build/$(1)/yummy/cli/yummy
# YUMMY_CLOUD=OFF in the environment or on the command line: no stores in the cloud, and no Cargo.
export YUMMY_CLOUD ?= ON
configure = cmake --preset $(1) -DYUMMY_CLOUD=$(YUMMY_CLOUD)
# Unit tests of all modules, with the assertions and sanitizers of a preset.
build_and_ctest = $(call configure,$(1)) && cmake --build --preset $(1) && ctest --preset $(1)
sources = git ls-files -z --cached --others --exclude-standard -- '*.cc' '*.h'
tsan_modules := base store delta fetch
# Where `make test-stores` runs, and how much: whole, or small.
STORES ?= moto,seaweedfs,azurite,gcs,s3rver
# The modules whose tests run over stores, too.
engine_modules := delta table lake
# Which of them the engine's and the REST tests run over.
REST_STORES ?= $(subst $(space),$(comma),$(filter-out s3rver,$(subst $(comma),$(space),$(STORES))))
SIZE ?= whole
# How many calls `make function-fuzz` tries, and statements `make differential` compares; SEED=… makes the same ones again.
N ?= 20000
# By which program.
PROGRAM ?= build/yummy
space := $(subst ,, )
comma := ,
# Command lines are printed only when asked: make V=1 …
ifndef V
.SILENT:
endif

.DEFAULT_GOAL := help
.PHONY: help function-fuzz setup setup-tests setup-interop setup-stores setup-samples setup-bench setup-format setup-lint build dev test test-fast test-stores differential tidy lint fmt asan tsan bench bench-programs interop run ci clean

help:  ## print the verbs
	sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

setup:  ## fetch what the build needs: Debian packages, DuckDB, Arrow, CRoaring, crates
	$(PYTHON) tools/setup.py

setup-tests:  ## fetch what the REST, SQL and interop tests need, into build/venv
	$(PYTHON) tools/setup.py tests

setup-stores:  ## fetch the object stores of `make test-stores`, into build/stores
	$(PYTHON) tools/setup.py stores

setup-interop:  ## fetch Spark with Delta Lake and what it runs on, into build/spark
	$(PYTHON) tools/setup.py interop

setup-samples:  ## fetch the sample data of `make run`, into build/samples
	$(PYTHON) tools/setup.py samples

setup-format:  ## fetch clang-format
	$(PYTHON) tools/setup.py format

setup-lint:  ## fetch clang-format and clang-tidy
	$(PYTHON) tools/setup.py lint

build: setup  ## the program, optimised: build/yummy
	$(call configure,release)
	cmake --build --preset release --target yummy
	ln -sfn release/yummy/cli/yummy build/yummy

dev: setup  ## the program and the unit tests, with assertions
	$(call configure,dev)
	cmake --build --preset dev

test: setup setup-tests tidy  ## all tests but interop and stores: unit, style, REST, SQL
	$(call build_and_ctest,dev)
	YUMMY_PROGRAM=$(CURDIR)/$(call program,dev) YUMMY_SOURCE_DIR=$(CURDIR) \
		$(TEST_PYTHON) -m pytest tests --ignore=tests/interop --ignore=tests/stores

test-fast: dev  ## the unit tests only
	ctest --preset dev

function-fuzz: dev setup-tests  ## every function and cast with extreme arguments: N=20000 calls, SEED=…
	YUMMY_PROGRAM=$(CURDIR)/$(call program,dev) $(TEST_PYTHON) tests/functions/fuzz.py --calls $(N) $(if $(SEED),--seed $(SEED))

test-stores: dev setup-tests setup-stores  ## tests over object stores that this starts: docs/testing.md
	YUMMY_PROGRAM=$(CURDIR)/$(call program,dev) YUMMY_SOURCE_DIR=$(CURDIR) YUMMY_TEST_SIZE=$(SIZE) \
		YUMMY_TEST_STORES=$(REST_STORES) \
		$(PYTHON) tools/stores.py --only $(STORES) -- sh -c 'build/dev/yummy/store/store_test --gtest_brief=1 --gtest_filter="*Cloud*" && \
		for store in $(subst $(comma),$(space),$(REST_STORES)); do for module in $(engine_modules); do \
		YUMMY_TEST_STORES=$$store build/dev/yummy/$$module/$${module}_test --gtest_brief=1 || exit 1; done; done && \
		$(TEST_PYTHON) -m pytest tests/rest tests/stores'

differential: build setup-tests  ## N random statements, answered as by plain DuckDB? docs/testing.md
	$(TEST_PYTHON) tests/differential/run.py --program $(PROGRAM) --count $(N) $(if $(SEED),--seed $(SEED))

tidy:  ## layers, names, sizes and links: tools/tidy.py; the layout, where clang-format is installed
	$(PYTHON) tools/tidy.py
	if command -v clang-format-19 >/dev/null; then $(sources) | xargs -0 clang-format-19 --dry-run -Werror; \
		else echo "tidy: the layout is not checked, clang-format-19 is not installed (make setup-format)"; fi

lint: setup setup-lint tidy  ## the layout and clang-tidy
	$(call configure,tidy)
	run-clang-tidy-19 -p build/tidy -quiet '/yummy/'

fmt: setup-format  ## apply clang-format
	$(sources) | xargs -0 clang-format-19 -i

asan: setup  ## the unit tests under the address and undefined-behaviour sanitizers
	$(call build_and_ctest,asan)

tsan: setup  ## the unit tests below DuckDB, which is not instrumented, under the thread sanitizer
	cmake --preset tsan
	cmake --build --preset tsan --target $(tsan_modules:%=%_test)
	ctest --preset tsan --tests-regex '^($(subst $(space),|,$(tsan_modules)))$$'

setup-bench:  ## fetch the peers of the benchmarks, into build/bench-venv
	$(PYTHON) tools/setup.py bench

bench-programs: build  ## what bench/run.py and bench/before.py measure
	cmake --build --preset release --target delta_benchmark duck_benchmark

bench: bench-programs setup-bench  ## this program beside its peers: bench/run.py
	build/bench-venv/bin/python bench/run.py

interop: build setup-tests setup-interop  ## other engines read what this one wrote, and the other way round
	YUMMY_PROGRAM=$(CURDIR)/build/yummy YUMMY_SOURCE_DIR=$(CURDIR) $(TEST_PYTHON) -m pytest -rs tests/interop

run: build setup-samples  ## a server with sample data on this machine; prints requests to try
	$(PYTHON) tools/demo.py --program build/yummy --folder build/demo --samples build/samples --port $(RUN_PORT)

ci:  ## what CI runs
	CI=true bash .ci/run </dev/null

clean:  ## remove what the build made; keep what was fetched
	rm -rf build/dev build/release build/asan build/tsan build/tidy build/yummy build/demo
