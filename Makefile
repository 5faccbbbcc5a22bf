# The stable interface to the build. Each target is a thin call of CMake, CTest, pytest or a script
# in tools/; developers may use the presets (CMakePresets.json) directly.
#
#   make          the library, the command and the ADBC driver: build/bin/cflight, build/lib
#   make demo     installs what is missing, builds, and shows the command at work
#   make test     installs what is missing and runs every test
#   make python   builds the wheels of the Python module and of the ADBC driver, libraries included: build/dist/*.whl
#   make interop  gets other implementations of Flight and Flight SQL and runs Arrow's integration tests, and
#                 tests/peers, with them
#   make engines  serves DuckDB, PostgreSQL and Spark databases and tests what clients get
#   make published  runs the tests of published packages with pyarrow.flight and with cflight in its place
#   make docs     the guides, references and manual page as a site: build/docs/index.html
#   make lint     checks layout, layers, style, symbols, documentation
#   make fuzz     SECONDS=60   runs every fuzz target that long
#   make attack   runs the attacks on servers (tests/interop/test_attacks.py) at full length
#   make siege    clients that stop, come at once, are refused (tests/interop/test_siege.py), a thousand of each
#   make proxies  streams, pauses and restarts through nginx and HAProxy (tests/interop/test_proxies.py), at full length
#   make test-fetch   ten thousand fetches on shared clients
#   make bench    runs the benchmarks
#   make growth   measures what one more of something costs, over three decades, and draws it
#   make install  PREFIX=/usr/local DESTDIR=
#   make format   lays out all C code
#   make clean    removes build/

PREFIX ?= /usr/local
SECONDS ?= 60
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PYTEST = build/venv/bin/python -m pytest -q
# Several processes that share the files of tests.
PYTESTS = build/venv/bin/python tools/side_by_side $(JOBS) -q
# Python itself is not instrumented, so the run time comes first and leaks are CTest's business. It
# finds the functions of libcrypt that it wraps only if that is there when it starts.
ASAN_RUNTIME = $(shell gcc -print-file-name=libasan.so) $(shell gcc -print-file-name=libubsan.so) \
	$(shell gcc -print-file-name=libcrypt.so)
# ThreadSanitizer of GCC 12 cannot start where the kernel randomises addresses over a wide range.
FIXED_ADDRESSES := $(shell setarch -R true 2>/dev/null && echo setarch -R)

BUILD = cmake --preset $(1) $(2) >build/$(1).log 2>&1 || { cat build/$(1).log; exit 1; }; \
	cmake --build --preset $(1) -j $(JOBS)
# What tests/interop needs beside the command, and release builds do not have.
INTEROP_PROGRAMS = $(call BUILD,dev) --target make_certs security_peer sql_service login_peer adbc_driver_fake
CTEST = ctest --output-on-failure --no-tests=error -j $(JOBS) --test-dir

.PHONY: all release demo test test-packages test-unit test-asan test-tsan test-interop test-python test-fetch \
	python docs interop engines published attack siege proxies bench growth fuzz lint install format clean
.NOTPARALLEL:

all: release

build:
	@mkdir -p build

release: build
	@tools/bootstrap --check
	@$(call BUILD,release)

demo: build
	@tools/bootstrap --python
	@$(call BUILD,release,-DCFLIGHT_BUILD_PYTHON=ON -DPython3_EXECUTABLE=$(CURDIR)/build/venv/bin/python) \
		--target cflight cflight_samples adbc_driver_cflight cflight_python
	tools/demo

test: test-unit test-asan test-tsan test-interop test-python

test-packages: build
	@tools/bootstrap --test --python

test-unit: test-packages
	@$(call BUILD,dev)
	$(CTEST) build/dev

test-asan: test-packages
	@$(call BUILD,asan)
	$(CTEST) build/asan
	LD_PRELOAD="$(ASAN_RUNTIME)" ASAN_OPTIONS=detect_leaks=0 CFLIGHT_LIBRARY=build/asan/lib/libcflight.so \
		CFLIGHT_BIN=build/asan/bin $(PYTESTS) tests/interop \
		--ignore=tests/interop/test_memory.py --ignore=tests/interop/test_instructions.py # sanitizers add their own

test-tsan: test-packages
	@$(call BUILD,tsan)
	$(FIXED_ADDRESSES) $(CTEST) build/tsan

engines: test-packages
	@tools/bootstrap --engines
	@$(call BUILD,release)
	CFLIGHT_BIN=build/bin $(PYTEST) tests/engines
	@$(call BUILD,python,-DPython3_EXECUTABLE=$(CURDIR)/build/venv/bin/python)
	PYTHONPATH=$(CURDIR)/build/python/python CFLIGHT_BIN=build/bin build/clusters-venv/bin/python -m pytest -q tests/clusters

test-interop: test-packages
	@$(call BUILD,release)
	@$(INTEROP_PROGRAMS)
	CFLIGHT_LIBRARY=build/lib/libcflight.so CFLIGHT_BIN=build/bin $(PYTESTS) tests/interop

# The module, pyarrow's own Flight tests with it in the place of pyarrow.flight, and the ADBC driver, whose servers are
# written in Python, or the command.
test-python: test-packages
	@$(call BUILD,python,-DPython3_EXECUTABLE=$(CURDIR)/build/venv/bin/python)
	PYTHONPATH=build/python/python build/venv/bin/python tests/python/run_pyarrow_tests -q
	$(if $(wildcard tests/python/test_*.py),PYTHONPATH=build/python/python $(PYTESTS) tests/python)
	PYTHONPATH=build/python/python CFLIGHT_BIN=build/python/bin $(PYTESTS) tests/adbc
	build/venv/bin/python tools/published --quick

published: test-packages
	@$(call BUILD,python,-DPython3_EXECUTABLE=$(CURDIR)/build/venv/bin/python)
	build/venv/bin/python tools/published

python: build
	@tools/bootstrap --python
	build/venv/bin/python -m pip install --quiet --require-hashes --requirement python/wheel-requirements.txt
	build/venv/bin/python tools/wheel

# The module is read for its reference.
docs: build
	@tools/bootstrap --docs --python
	@$(call BUILD,python,-DPython3_EXECUTABLE=$(CURDIR)/build/venv/bin/python)
	build/docs-venv/bin/python tools/site

# Also as `make test-fetch PRESET=tsan`.
PRESET ?= dev
test-fetch: build
	@$(call BUILD,$(PRESET))
	CFLIGHT_FETCH_ROUNDS=10000 $(FIXED_ADDRESSES) build/$(PRESET)/bin/test_flight_fetch shared

GOALS = build/bench/goals.jsonl
bench: build
	@tools/bootstrap --test --python --bench
	@$(call BUILD,release)
	@$(call BUILD,python,-DPython3_EXECUTABLE=$(CURDIR)/build/venv/bin/python)
	rm -f $(GOALS)
	build/venv/bin/python bench/run --goals $(GOALS)
	build/venv/bin/python bench/run_samehost --goals $(GOALS)
	build/venv/bin/python bench/run_sql --json build/bench/sql.json
	build/venv/bin/python bench/run_adbc --json build/bench/adbc.json
	build/bench-venv/bin/python bench/run_quack --json build/bench/quack.json
	PYTHONPATH=build/python/python build/venv/bin/python bench/run_python --goals $(GOALS)
	PYTHONPATH=build/python/python build/venv/bin/python bench/run_clusters --goals $(GOALS)
	build/venv/bin/python bench/run_stored --goals $(GOALS)
	build/venv/bin/python bench/run_growth --quick --json build/bench/growth-quick.json --goals $(GOALS)
	build/venv/bin/python bench/goals $(GOALS)

growth: build
	@tools/bootstrap --test --python --bench
	@$(call BUILD,release)
	build/bench-venv/bin/python bench/run_growth --json build/bench/growth.json --plot docs/internals/growth.png

interop: test-packages
	@$(call BUILD,release)
	build/venv/bin/python tools/interop
	@$(call BUILD,dev) --target sql_sqlite service_peer
	@$(call BUILD,python,-DPython3_EXECUTABLE=$(CURDIR)/build/venv/bin/python)
	$(PYTEST) tests/peers

attack: test-packages
	@$(call BUILD,dev)
	CFLIGHT_ATTACK=full CFLIGHT_LIBRARY=build/dev/lib/libcflight.so CFLIGHT_BIN=build/dev/bin \
		$(PYTEST) -s tests/interop/test_attacks.py

siege: test-packages
	@$(call BUILD,release)
	@$(INTEROP_PROGRAMS)
	CFLIGHT_SIEGE=full CFLIGHT_LIBRARY=build/lib/libcflight.so CFLIGHT_BIN=build/bin \
		$(PYTEST) -s tests/interop/test_siege.py

proxies: test-packages
	@$(call BUILD,release)
	@$(INTEROP_PROGRAMS)
	CFLIGHT_PROXIES=full CFLIGHT_LIBRARY=build/lib/libcflight.so CFLIGHT_BIN=build/bin \
		$(PYTEST) -s --timeout=1800 tests/interop/test_proxies.py

fuzz: test-packages
	@$(call BUILD,fuzz)
	SECONDS_EACH=$(SECONDS) tools/fuzz

lint: test-packages
	@$(call BUILD,release)
	@$(call BUILD,python,-DPython3_EXECUTABLE=$(CURDIR)/build/venv/bin/python)
	$(PYTEST) tests/lint
	tools/lint

install: release
	cmake --install build/release --prefix "$(PREFIX)"

format:
	clang-format -i $$(tools/list_sources)

clean:
	rm -rf build
