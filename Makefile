# For those who have make; all of it works without, see README.md.
PYTHON ?= .venv/bin/python

.PHONY: setup check bench lock
setup:
	python3 -m venv --without-pip .venv
	python3 -m pip -q --python .venv/bin/python install -c requirements.lock -e '.[test]'

check:
	$(PYTHON) tests/check.py

# The better part of an hour, on a machine that does nothing else; benchmarks/README.md says what has to be installed.
bench:
	$(PYTHON) -m benchmarks --write docs/benchmarks.md

lock:
	uv pip compile --universal --python-version 3.11 --all-extras --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links -q -o requirements.lock pyproject.toml
