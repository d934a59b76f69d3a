# The two commands of the README, and the others that a developer needs. `make help` lists them.
PYTHON ?= python3.11
CORES ?= all
BIN := .venv/bin

.PHONY: help run test lint audit sbom licences lock demo picture bench bench-features bench-corpus bench-memory bench-predict sizing dag-size evidence-meld evidence-table clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

run: .venv/installed ## take the demo corpus through the whole pipeline
	$(BIN)/snakemake --cores $(CORES)

test: .venv/installed-test ## run the whole test suite
	@# Whole runs take both cores themselves, and some of them measure time: one after the other.
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest -n 2 tests/unit
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest tests/rules tests/e2e tests/browser tests/slurm

lint: .venv/installed-test ## check layout and style of code and workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint

AUDIT := .venv/audit/bin/pip-audit --strict --disable-pip

audit: .venv/installed-audit ## security rules over the code, known vulnerabilities of the locked packages
	$(BIN)/ruff check .
	@# Advisories are asked for at PyPI: without a network there is nothing to ask. A package that
	@# could not be looked up, as at a mirror without advisories, ends this in one line. Torch is
	@# looked up by its public version.
	mkdir -p build; sed -nE 's/^ *- (torch(vision)?==.*)/\1/p' environment.yml > build/torch.txt
	if $(BIN)/python -c "import socket; socket.create_connection(('pypi.org', 443), 10)" 2>/dev/null; \
	then $(AUDIT) --require-hashes \
		--requirement requirements.lock --requirement requirements-test.lock \
		&& $(AUDIT) --no-deps --requirement build/torch.txt; \
	else echo "no network: known vulnerabilities are not looked up"; fi

sbom: .venv/installed-audit ## list all installed packages as CycloneDX, in build/sbom.json
	mkdir -p build
	.venv/audit/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml \
		--output-format JSON --output-file build/sbom.json

licences: .venv/installed-audit ## list the licences of all locked packages in docs/licences.md
	@# Rows without a name are further lines of a licence's text.
	mkdir -p build; sed '/^|/,$$d' docs/licences.md > build/licences.md
	.venv/audit/bin/pip-licenses --python $(BIN)/python --from=mixed --format=markdown \
		--packages $$(sed -n 's/==.*//p' requirements*.lock) | tr -s ' ' \
		| sed '/^| |/d; s/^|-.*/|---|---|---|/' >> build/licences.md
	mv build/licences.md docs/licences.md

UV := .venv/audit/bin/uv pip compile --quiet --python-version 3.11 --no-annotate
# Builds of torch differ by GPU, and so does what comes with them.
OF_TORCH := ^(torch|torchvision|triton|setuptools|cuda-[a-z]+|nvidia-[a-z0-9-]+)==

lock: .venv/installed-audit ## pin all packages at the newest versions that pyproject.toml allows
	mkdir -p build
	$(UV) --no-header pyproject.toml | grep -Ev '$(OF_TORCH)' > build/run.in
	$(UV) --no-header --extra test pyproject.toml \
		| grep -Ev '$(OF_TORCH)' | grep -vxFf build/run.in > build/test.in
	for name in run:requirements.lock test:requirements-test.lock; do \
		$(UV) --no-deps --generate-hashes --custom-compile-command "make lock" \
			build/$${name%%:*}.in --output-file $${name##*:}; done

demo: .venv/installed ## remake the demo corpus (needs espeak-ng)
	$(BIN)/python resources/demo/make_demo.py

picture: .venv/installed ## redraw the rules of the pipeline (needs graphviz)
	$(BIN)/snakemake --rulegraph 2>/dev/null | dot -Tsvg -o docs/rulegraph.svg

bench: .venv/installed-test ## measure speed and size; the machine should be idle
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/pipeline.py

bench-features: .venv/installed ## measure the extraction of features against bare libraries, and by size
	@# A bound that the first comparison misses does not keep the second from being made.
	export PATH="$(abspath $(BIN)):$$PATH"; status=0; \
	$(BIN)/python benchmarks/features.py $(MELD) || status=$$?; \
	$(BIN)/python benchmarks/features.py $(MELD) --flat || status=$$?; \
	exit $$status

bench-predict: .venv/installed-test ## measure prediction of long recordings and live turns
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/predict.py

bench-corpus: .venv/installed ## take a made corpus of MELD's size through ingest and extraction
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/full_corpus.py $(MELD)

bench-memory: .venv/installed ## measure memory, asked for and taken, as a corpus grows
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/memory.py

sizing: .venv/installed ## measure what an utterance costs, for docs/slurm.md; the machine should be idle
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/unit_costs.py

dag-size: .venv/installed ## measure how long a million utterances take to become a DAG
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/dag_size.py

evidence-meld: .venv/installed ## compare all remedies on MELD=FOLDER, the folder of MELD's CSVs
	@test -n "$(MELD)" || { echo "error: name the folder of MELD's CSVs: make evidence-meld MELD=FOLDER"; exit 2; }
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/evidence.py benchmarks/evidence_meld.yaml --root "$(MELD)" --cores $(CORES)

evidence-table: .venv/installed ## the same tables of any corpus: CONFIG=FILE, with seeds and variants
	@test -n "$(CONFIG)" || { echo "error: name a configuration: make evidence-table CONFIG=FILE"; exit 2; }
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/evidence.py "$(CONFIG)" --cores $(CORES)

clean: ## remove the environment and all results
	rm -rf .venv .snakemake results/*/

# torch comes first and alone: its pin decides which build the other packages meet.
.venv/installed: pyproject.toml requirements.lock requirements-torch.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements-torch.lock
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

.venv/installed-test: .venv/installed requirements-test.lock
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement requirements-test.lock
	touch $@

.venv/installed-audit: .venv/installed-test
	$(BIN)/python -m venv .venv/audit
	.venv/audit/bin/python -m pip install --quiet pip-audit==2.10.1 pip-licenses==5.5.5 cyclonedx-bom==7.5.0 uv==0.13.9
	touch $@
