"""The migrations reach the user from a wheel, an editable install and a checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_SHOWN = "import fetcher.ledger.upgrade as u; print(u.migrations_directory())"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(_ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = place.glob("*.whl")
    shutil.unpack_archive(built, place / "site", "zip")
    return place / "site"


def _run(code: str, python_path: Path, cwd: Path) -> str:
    """Run *code* without any installed fetcher: only what lies in *python_path*, and the libraries."""
    libraries = sysconfig.get_paths()["purelib"]
    program = f"import sys; sys.path[:0] = [{str(python_path)!r}]; sys.path.append({libraries!r})\n{code}"
    command = [sys.executable, "-S", "-c", program]
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={"LANG": "C"})
    assert (0, "") == (ended.returncode, ended.stderr)
    return ended.stdout.strip()


def _init(place: Path) -> str:
    return f"from fetcher.cli.main import run; sys.exit(run(['-q', 'init', {str(place)!r}]))"


def test_the_wheel_carries_its_migrations_and_makes_a_ledger(wheel: Path, tmp_path: Path) -> None:
    """What a user installs has all it needs."""
    assert str(wheel / "fetcher" / "migrations") == _run(_SHOWN, wheel, tmp_path)
    _run(_init(tmp_path / "archive"), wheel, tmp_path)
    assert (tmp_path / "archive" / ".fetcher" / "ledger.db").is_file()


def test_the_wheel_holds_nothing_but_the_program(wheel: Path) -> None:
    """No test, no benchmark, no stray file."""
    tops = {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")}
    assert {"fetcher"} == tops
    inside = {path.name for path in (wheel / "fetcher" / "migrations").rglob("*.py")}
    assert {"env.py", "0001_first_ledger.py"} <= inside


def test_the_sdist_holds_what_its_own_documents_name(tmp_path: Path) -> None:
    """Whoever unpacks it can run what README, CONTRIBUTING and CI say."""
    build = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(_ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}

    named = """
        .ci/run CHANGELOG.md CONTRIBUTING.md LICENSE Makefile README.md pyproject.toml requirements.lock
        benchmarks/README.md docs/adr/0001-threads-for-bytes.md docs/benchmarks.md fetcher/cli/main.py
        migrations/env.py tests/check.py
    """
    assert set() == set(named.split()) - inside


def test_a_checkout_uses_its_own_migrations(tmp_path: Path) -> None:
    """Also where nothing is installed."""
    shutil.copytree(_ROOT / "fetcher", tmp_path / "fetcher", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(_ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(_ROOT / "migrations", tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))

    assert str(tmp_path / "migrations") == _run(_SHOWN, tmp_path, Path("/"))
    _run(_init(tmp_path / "archive"), tmp_path, Path("/"))


def test_an_editable_install_uses_the_checkout_s(tmp_path: Path) -> None:
    """A stale copy inside the package does not count where the checkout has its own."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (site / "editable.pth").write_text(f"{_ROOT}\n{sysconfig.get_paths()['purelib']}\n")

    environ = {"PATH": os.environ["PATH"]}
    shown = subprocess.run([python, "-c", _SHOWN], cwd="/", capture_output=True, text=True, check=True, env=environ)

    assert str(_ROOT / "migrations") == shown.stdout.strip()
