"""What a command loads before it does anything."""

import subprocess
import sys

import pytest
from archive_case import ArchiveCase

_HEAVY = {"sqlalchemy", "httpx", "alembic", "starlette", "uvicorn", "tqdm", "aiofiles", "humanize"}


def _loaded(*arguments: str, **environ: str) -> set[str]:
    """Return the top-level modules that a call of the command has loaded when it ends."""
    code = (
        "import sys\n"
        "from fetcher.cli.main import run\n"
        f"run({list(arguments)!r})\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    return set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["sync", "--help"], ["--version"]])
def test_help_loads_neither_ledger_nor_network(arguments: list[str]) -> None:
    """Help and completion are answered at once."""
    assert set() == _HEAVY & _loaded(*arguments)


def test_looking_at_the_ledger_loads_no_network(case: ArchiveCase) -> None:
    """Status opens a database and nothing else."""
    assert {"sqlalchemy", "humanize"} == _HEAVY & _loaded("status", **case.environ)


def test_a_run_loads_neither_migrations_nor_a_server(case: ArchiveCase) -> None:
    """Alembic costs more than all else; it is loaded where the schema differs only."""
    assert set() == {"alembic", "starlette", "uvicorn", "jinja2"} & _loaded("sync", **case.environ)
