# For those who have make; all of it works without, see README.md.
PYTHON ?= .venv/bin/python

.PHONY: setup check lock
setup:
	python3 -m venv --without-pip .venv
	python3 -m pip -q --python .venv/bin/python install -c requirements.lock -e '.[test]'

check:
	$(PYTHON) tests/check.py

lock:
	uv pip compile --universal --python-version 3.11 --all-extras --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links -q -o requirements.lock pyproject.toml
