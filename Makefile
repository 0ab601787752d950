# `make demo` and `make test` work on a fresh Debian 12 machine that has Swift, Python 3, git and make.
.PHONY: demo test build check lint self-test bench install-tools test-tools kubernetes clean

SWIFT ?= swift
BINARY = .build/release/saturn
STATIC = $(CURDIR)/.build/static
# A fixed address, libraries linked in whole and one name for others to find (see CLibGit2): at every start the dynamic
# loader would otherwise take longer than the plan of a few tasks.
RELEASE = -c release --static-swift-stdlib -Xlinker -L$(STATIC) -Xlinker -no-pie \
	-Xlinker --no-export-dynamic -Xlinker --export-dynamic-symbol=mbedtls_x509_crt_parse_file
SOURCES = Package.swift Sources Tests

# What Debian has to provide: libraries to link, the headers of those that are loaded, and what the tests call.
PACKAGES = libyaml-dev libgit2-dev libsqlite3-dev libcurl4-openssl-dev libpcre2-dev ninja-build time python3-venv openssl
test test-tools bench: PACKAGES += r-base-core r-cran-future r-cran-processx r-cran-jsonlite r-cran-future.batchtools \
	user-mode-linux

# The Kubernetes that the tests run, where there is one: see the target.
kubernetes: PACKAGES += golang-1.19-go gcc libc6-dev rsync etcd-server containerd runc busybox-static openssl python3 \
	$(shell command -v kubectl > /dev/null || echo kubernetes-client)

demo: build
	@rm -rf examples/lr-sweep/results
	@echo; echo '$$ saturn run examples/lr-sweep/run.yaml'
	@$(BINARY) run examples/lr-sweep/run.yaml
	@echo; echo '$$ head examples/lr-sweep/results/lr-sweep/*/results/metrics.json'
	@head -n 20 examples/lr-sweep/results/lr-sweep/*/results/metrics.json
	@echo; echo '$$ saturn run examples/lr-sweep/run.yaml        # again: nothing is executed'
	@$(BINARY) run examples/lr-sweep/run.yaml

build: install-tools $(STATIC)
	$(SWIFT) build $(RELEASE) --product saturn

# The static ones of the libraries that saturn needs, alone in a folder where the linker looks first. What is missing
# is linked as usual.
$(STATIC): install-tools
	@mkdir -p $@; machine=$$(uname -m)-linux-gnu; compiler=/usr/lib/gcc/$$machine/*; \
	for file in $$(ls -v $$compiler/libstdc++.a $$compiler/libgcc_eh.a 2>/dev/null) \
	  /usr/lib/$$machine/libsqlite3.a /usr/lib/$$machine/libyaml.a; do \
	  test ! -e $$file || ln -sf $$file $@/; \
	done; \
	test ! -e $@/libgcc_eh.a || ln -sf libgcc_eh.a $@/libgcc_s.a

# Format, then everything compiled with warnings as errors.
check: lint install-tools
	$(call build-tests)

lint:
	$(SWIFT) format lint --strict --recursive $(SOURCES)

test: lint build test-tools
	$(call build-tests)
	@$(call swift-test,--skip '^(EndToEnd|SaturnExecutorsTests)\.')
	@$(call swift-test,--filter '^SaturnExecutorsTests\.')
	@$(call swift-test,--filter '^EndToEnd\.')
	$(SWIFT) build $(RELEASE) --product ModelHistories
	.build/release/ModelHistories
	$(BINARY) run Pipelines/self-test.yaml --force

# The tests, and the binary that some of them kill at a named step: `--build-tests` would also compile what packages
# bring along and nobody here uses.
build-tests = $(SWIFT) build --product saturnPackageTests && $(SWIFT) build --product saturn

# The engines that the tests start, and what reads what they hold.
test-tools: install-tools .venv/engines

.venv/engines: Tests/Engines/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --requirement Tests/Engines/requirements.txt
	touch $@

# A Kubernetes of one node for the tests, built once per machine, outside the clone: Debian has its servers as source only.
# Takes 8 minutes on two idle cores. Without it `make test` leaves its tests out, and says so.
kubernetes: install-tools
	Tests/Engines/kubernetes-build.sh

# In three processes: executors under test make theirs the parent of all orphans, and those that the tests of the real binary
# leave would keep exit tests waiting for ever; and engines under test take all processors. What failed is said once more.
swift-test = { SATURN_BINARY=$(CURDIR)/$(BINARY) timeout 1500 stdbuf -oL $(SWIFT) test --skip-build $(1); echo $$? >.build/test.rc; } 2>&1 \
	| tee .build/test.log; \
	test "$$(cat .build/test.rc)" = 0 || { echo; echo 'what failed:'; \
	grep -A 6 -E '✘ Test .* recorded an issue|Fatal error|unexpected signal' .build/test.log | tail -n 200; exit 1; }

# saturn's promises, checked by saturn: every task must run, so nothing is reused.
self-test: build
	$(BINARY) run Pipelines/self-test.yaml --force

# saturn beside ninja, make and others: writes docs/benchmarks.md. BENCH_SCALE=0.01 only tries whether it works.
bench: PACKAGES += make parallel
bench: build test-tools .venv/bench/bin/snakemake
	$(BINARY) run Pipelines/benchmark.yaml --force

.venv/bench/bin/snakemake:
	python3 -m venv .venv/bench
	.venv/bench/bin/pip install --quiet doit==0.37.0 snakemake==9.27.1

install-tools:
	@missing=; for package in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	test -z "$$missing" && exit 0; \
	echo "installing:$$missing"; \
	if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	$$sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -q --no-install-recommends $$missing

clean:
	rm -rf .build
