"""What a command loads before it does anything, and what it leaves out where there is nothing to do."""

import subprocess
import sys

import pytest
from archive_case import ArchiveCase

_NETWORK = {"httpx", "httpcore", "h11", "anyio", "stamina", "tenacity", "fastcrc", "aiolimiter", "httptools"}
_LATER = {"alembic", "mako", "starlette", "uvicorn", "tqdm", "aiofiles", "pathvalidate", "rich", "pygments"}
_LEDGER = {"sqlalchemy", "sqlite3", "msgspec", "asyncio", "logging", "pathlib"}
_OTHER_DIALECTS = {f"sqlalchemy.dialects.{name}" for name in ("postgresql", "mysql", "oracle", "mssql")}


def _loaded(*arguments: str, **environ: str) -> set[str]:
    """Return the modules that a call of the command has loaded when it ends."""
    code = (
        "import sys\n"
        "from fetcher.cli.main import run\n"
        f"code = run({list(arguments)!r})\n"
        "print('loaded', *sorted(sys.modules), file=sys.stderr)\n"
        "sys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("loaded ")]
    return set(line.split()[1:])


def test_help_loads_click_and_little_else() -> None:
    """Help is answered at once: no ledger, no network, not even logging."""
    loaded = _loaded("--help")

    assert set() == loaded & (_NETWORK | _LATER | _LEDGER)
    assert "click" in loaded


@pytest.mark.parametrize("arguments", [["sync", "--help"], ["list", "-h"], ["--version"]])
def test_help_on_a_command_loads_neither_ledger_nor_network(arguments: list[str]) -> None:
    """Completion, too, asks the commands one by one."""
    assert set() == _loaded(*arguments) & (_NETWORK | _LATER | {"sqlalchemy", "asyncio"})


@pytest.mark.parametrize(
    "arguments", [["status"], ["status", "--json"], ["list"], ["sync", "--dry-run"], ["ledger", "check"]]
)
def test_looking_at_the_ledger_loads_no_network(case: ArchiveCase, arguments: list[str]) -> None:
    """Whoever only looks opens a database and nothing else."""
    loaded = _loaded(*arguments, **case.environ)

    assert set() == loaded & (_NETWORK | _LATER | _OTHER_DIALECTS)
    assert "sqlalchemy" in loaded


def test_a_run_with_nothing_to_do_loads_no_network(case: ArchiveCase) -> None:
    """What asks and what fetches is loaded when there is something to ask or to fetch."""
    loaded = _loaded("sync", **case.environ)

    assert set() == loaded & (_NETWORK | _LATER | _OTHER_DIALECTS | {"humanize"})
    assert set() == loaded & {"fetcher.transfer.fetch", "fetcher.downloader.worker", "fetcher.polyv.client"}
    assert "fetcher.sync.run" in loaded


def test_a_run_that_finds_all_done_loads_no_network_either(case: ArchiveCase) -> None:
    """That is what most runs from cron find."""
    video = case.simulator.library.add_video()
    case.add(video)
    assert 0 == case.sync().returncode
    case.require_right([video])

    assert set() == _loaded("sync", **case.environ) & (_NETWORK | _LATER)


def test_a_run_that_works_loads_neither_migrations_nor_a_server(case: ArchiveCase) -> None:
    """Alembic costs more than all else; it is loaded where the schema differs only."""
    case.add(case.simulator.library.add_video())

    loaded = _loaded("sync", **case.environ)

    assert set() == loaded & {"alembic", "mako", "starlette", "uvicorn", "jinja2", "tqdm"}
    assert "httpx" in loaded
