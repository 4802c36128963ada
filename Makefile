# SPDX-License-Identifier: Apache-2.0
# A thin front door to the CMake presets: `make help` lists what it can do.
FERRY := build/release/bin/ferry
DEMO := build/demo
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
GOLDEN_PACKAGES := numpy onnxruntime opencv-python-headless
PEER_PACKAGES := numpy onnxruntime openvino ncnn pnnx MNN

.PHONY: all help dependencies build demo test asan fuzz bench bench-peers man docs install clean

all: build ## build the release (the default)

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

build:
	@tools/install-dependencies.sh build
	@cmake --preset release >/dev/null
	@cmake --build --preset release

demo: ## fetch a model and a video, and draw the people in it
	@tools/install-dependencies.sh demo
	@cmake --preset release >/dev/null
	@cmake --build --preset release --target ferry_program yolov5_from_tfjs
	@tools/fetch-demo.sh $(DEMO) build/release/bin/yolov5_from_tfjs
	@tools/demo.sh $(FERRY) $(DEMO)

test: ## run every test of the release build
	@tools/install-dependencies.sh test
	@tools/make-venv.sh build/venv $(GOLDEN_PACKAGES)
	@tools/run-tests.sh release

asan: ## run the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/install-dependencies.sh test
	@tools/run-tests.sh asan

fuzz: ## fuzz every reader of files, FUZZ_SECONDS=60 each
	@tools/install-dependencies.sh fuzz
	@cmake --preset fuzz >/dev/null
	@cmake --build build/fuzz --target fuzz_targets
	@tools/run-fuzz.sh $(FUZZ_SECONDS)

bench: build ## measure the kernels
	@for program in $$(find build/release/bench -name 'bench_*' -type f -perm -u+x | sort); do echo "== $$program"; $$program || exit 1; done

bench-peers: build ## measure beside ONNX Runtime, OpenVINO, ncnn and MNN
	@tools/make-venv.sh build/venv-peers $(PEER_PACKAGES)
	@bench/peers/run.sh $(FERRY) build/venv-peers build/bench

man: build ## write the manual pages to build/man
	@mkdir -p build/man
	@for command in $$($(FERRY) help --list); do $(FERRY) help $$command --man >build/man/ferry-$$command.1; done
	@echo "build/man: $$(ls build/man | wc -l) pages"

docs: build ## write docs/cli from the tables of options
	@mkdir -p docs/cli
	@for command in $$($(FERRY) help --list); do $(FERRY) help $$command --markdown >docs/cli/$$command.md; done

install: build man ## install under PREFIX=/usr/local
	@cmake --install build/release --prefix $(PREFIX)
	@install -d $(PREFIX)/share/man/man1
	@install -m 644 build/man/*.1 $(PREFIX)/share/man/man1

clean: ## remove everything that was built
	@rm -rf build
