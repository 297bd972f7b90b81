"""The benchmarks themselves: real programs, tiny files."""

import hashlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.certificate import make_certificate
from benchmarks.far_line import far
from benchmarks.files import FileSet
from benchmarks.measure import CommandFailedError, Steps, measure
from benchmarks.origin_nginx import is_installed, serving
from benchmarks.peers import PEERS, Aria2, Copy
from benchmarks.polls import most_within
from benchmarks.runner import Round, Runner, Told, WrongResultError, require_right
from benchmarks.shelf import Wanted
from benchmarks.stock import Stock, run_once, stocked
from benchmarks.subject import Subject

ROOT = Path(__file__).resolve().parents[2]
MARKS = "\n".join(f"<!-- figures: {part} --><!-- /figures: {part} -->" for part in ("machine", "transfer"))
ENVIRON = {"PATH": "/usr/bin:/bin"}

needs_nginx = pytest.mark.skipif(not is_installed(), reason="nginx is not installed (Debian: nginx-light)")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@needs_nginx
def test_a_tiny_run_writes_its_table_into_the_document(tmp_path: Path) -> None:
    """Every program that is installed fetches the right files; the others are left out."""
    document = tmp_path / "figures.md"
    document.write_text(f"words\n{MARKS}\n")
    where = ["--memory", str(tmp_path), "--disk", str(tmp_path), "--write", str(document)]
    size = [
        "--only",
        "small",
        "--size",
        "small=3x70001",
        "--scheme",
        "https",
        "--peers",
        ",".join(PEERS),
        "--to",
        "tmpfs",
        "--reps",
        "1",
    ]

    ended = run("transfer", *size, *where)

    assert 0 == ended.returncode, ended.stderr
    written = document.read_text()
    assert written.startswith("words\n")
    assert ["Small files (3 × 70001 bytes) over https to tmpfs"] == re.findall(r"^### (.*)$", written, re.MULTILINE)
    expected = ["**fetcher sync**", *(runner.name for runner in PEERS.values() if runner.is_installed())]
    named = re.findall(r"^\| ([^|]+) \| \d", written, re.MULTILINE)
    assert expected == [name for name in named if name != "fetcher sync, no fsync"]
    assert "\n\n1 repetition.\n" in written
    assert ["figures.md"] == [path.name for path in tmp_path.iterdir()]


@needs_nginx
def test_passes_over_due_tasks_are_measured_by_what_polyv_was_asked(tmp_path: Path) -> None:
    """Each task once, and once about its video; the files' one task beside them."""
    size = ["--tasks", "5", "--only", "medium", "--size", "medium=2x70001"]

    ended = run("polls", *size, "--memory", str(tmp_path), "--disk", str(tmp_path))

    assert 0 == ended.returncode, ended.stderr
    calls = re.findall(r"^\| ([^|]+) \| [0-9.]+ \| (\d+) \| \d+ \|", ended.stdout, re.MULTILINE)
    assert [
        ("5 tasks, never asked about", "10"),
        ("5 tasks, asked before", "5"),
        ("2 × 70001 bytes, no other task", "2"),
        ("2 × 70001 bytes beside 5 tasks, never asked about", "12"),
    ] == calls


@pytest.mark.parametrize(("moments", "most"), [([], 0), ([5.0], 1), ([30.0, 0.0, 9.0, 10.0, 18.5], 3)])
def test_the_most_within_a_window_is_counted_wherever_it_begins(moments: list[float], most: int) -> None:
    """A window holds its beginning and not its end."""
    assert most == most_within(moments, 10.0)


def test_cost_is_that_of_all_steps(tmp_path: Path) -> None:
    """Time is summed, memory is the largest; what the measuring process uses itself is not in it."""
    large = "held = bytearray(64 << 20); held[::4096] = b'x' * len(held[::4096])"
    ours = bytearray(256 << 20)
    ours[::4096] = b"x" * len(ours[::4096])
    steps = [[sys.executable, "-c", large], [sys.executable, "-c", "import time; time.sleep(0.2); print('heard')"]]

    ended = measure(steps, environ=ENVIRON, directory=tmp_path)

    assert "heard\n" == ended.stdout
    assert 64 << 20 < ended.cost.peak_bytes < 128 << 20
    assert 0.2 < ended.cost.wall_s
    assert 0 < ended.cost.cpu_s < ended.cost.wall_s


def test_a_step_that_fails_is_never_a_figure(tmp_path: Path) -> None:
    """And what comes after it is not run."""
    steps = [["sh", "-c", "echo why >&2; exit 3"], ["touch", "after"]]

    with pytest.raises(CommandFailedError, match=r"sh ended with 3: why"):
        measure(steps, environ=ENVIRON, directory=tmp_path)

    assert [] == list(tmp_path.iterdir())


def test_a_peer_that_lacks_one_of_its_programs_is_left_out(tmp_path: Path) -> None:
    """The digest after the transfer, too: without openssl that row is missing, and no other."""
    for name in {program for runner in PEERS.values() for program in runner.programs} - {"openssl"}:
        (tmp_path / name).symlink_to(shutil.which("true") or "/bin/true")
    code = "from benchmarks import peers, transfer; print(*transfer.installed(list(peers.PEERS)))"

    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert [name for name in PEERS if name != "curl-openssl"] == ended.stdout.split()


RIGHT, WRONG = hashlib.sha256(b"right").hexdigest(), hashlib.sha256(b"wrong").hexdigest()


@pytest.mark.parametrize(
    ("told", "bytes_there"),
    [
        ({}, b"right"),
        ({"v": WRONG}, b"right"),
        ({"v": WRONG}, b"wrong"),
        ({"v": RIGHT, "w": RIGHT}, b"right"),
        ({"v": RIGHT}, b"wrong"),
        ({"v": RIGHT}, None),
    ],
)
def test_other_files_than_those_asked_for_are_never_a_figure(
    tmp_path: Path, told: dict[str, str], bytes_there: bytes | None
) -> None:
    """None told, a wrong one, one too many; the right ones told, and other bytes or no file in place."""
    wanted = Wanted(vid="v", path="a/v.mp4", link="http://127.0.0.1:1/a/v.mp4", sha256=RIGHT)
    one = Round(files=[wanted], base="", content=tmp_path, authority=tmp_path, target=tmp_path, notes=tmp_path)
    place = tmp_path / "v.mp4"

    place.write_bytes(b"right")
    require_right(one, {"v": Told(path="v.mp4", sha256=RIGHT)})
    place.unlink()
    if bytes_there is not None:
        place.write_bytes(bytes_there)
    with pytest.raises(WrongResultError):
        require_right(one, {vid: Told(path="v.mp4", sha256=sha256) for vid, sha256 in told.items()})


SPOIL = 'for file in $(find . -name "*.mp4"); do printf wrong | dd of="$file" bs=1 seek=100 conv=notrunc; done'


class SpoiltCopy(Copy):
    """Sums what it has copied, and changes it afterwards."""

    def steps(self, one: Round) -> Steps:
        """Copy, sum, change."""
        return [*super().steps(one), ["sh", "-c", f"({SPOIL}) >&2"]]


class SpoiltAria2(Aria2):
    """Ends well over other bytes than those whose digests it was told."""

    def steps(self, one: Round) -> Steps:
        """Fetch, compare, change."""
        return [*super().steps(one), ["sh", "-c", SPOIL]]


def spoilt(stock: Stock) -> list[Runner]:
    changing = ["sh", "-c", f'"$@" && {SPOIL}', "sh"]
    runners: list[Runner] = [Subject(stock.shelf, before=changing), SpoiltCopy(), SpoiltAria2()]
    return [runner for runner in runners if runner.is_installed()]


@needs_nginx
def test_no_program_is_taken_at_its_word(tmp_path: Path) -> None:
    """Each says that all is well, the ledger of fetcher too, and leaves five wrong bytes."""
    with stocked(tmp_path, FileSet(name="few", count=2, size=70_001)) as stock:
        for runner in spoilt(stock):
            with pytest.raises(WrongResultError, match="not what its digest says"):
                run_once(stock, runner, stock.origin.base("http"), tmp_path)


@needs_nginx
def test_a_stalled_file_stands_still_beside_a_sound_one(tmp_path: Path) -> None:
    """So that a limited rate can be seen to be shared among those that run."""
    content, body = tmp_path / "content", bytes(100_000)
    content.mkdir(mode=0o755)
    for name in ("sound.mp4", "stalled.mp4"):
        (content / name).write_bytes(body)
    certificate = make_certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(certificate.authority))

    with serving(content, directory=tmp_path / "nginx", certificate=certificate, stalled="/stalled.mp4") as origin:
        for scheme in ("http", "https"):
            with urllib.request.urlopen(f"{origin.base(scheme)}/sound.mp4", context=trust, timeout=10) as sound:
                assert body == sound.read()
        with (
            urllib.request.urlopen(f"{origin.base('http')}/stalled.mp4", timeout=0.5) as stalled,
            pytest.raises(TimeoutError),
        ):
            stalled.read()


def test_the_far_line_costs_a_round_trip_and_hands_on_every_byte() -> None:
    """Two for the first bytes, since the connection is opened at once here."""
    sent = bytes(range(256)) * 1000

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        far(server.getsockname()[1], round_trip_s=0.1) as port,
        socket.create_connection(("127.0.0.1", port), timeout=10) as near,
    ):
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        took = []
        for _ in range(6):
            began = time.monotonic()
            near.sendall(sent)
            came = b"".join(iter_exactly(near, len(sent)))
            took.append(time.monotonic() - began)
            assert sent == came

    assert 0.2 <= took[0]
    assert 0.1 <= min(took[1:]) < 0.2, "the quickest tells: a busy machine makes any of them slower"


def _echo(server: socket.socket) -> None:
    with server.accept()[0] as conn:
        while data := conn.recv(65536):
            conn.sendall(data)


def iter_exactly(conn: socket.socket, size: int) -> Iterator[bytes]:
    """Yield *size* bytes as they come."""
    while size and (data := conn.recv(min(size, 65536))):
        size -= len(data)
        yield data
