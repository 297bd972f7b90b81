"""Power cuts around the checkpoints of a large file: what a memo calls durable is."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from crash.counts import seeds
from crash.disk import Disk
from crash.one_download import VIDEO_ID
from crash.power import SEEDED, Everything, Nothing, after_power_cut
from crash.records import Kind, read_calls
from crash.runs import Runs, runs_under
from crash.shim import Injection, Mode
from downloader_cases import VID
from origin import OriginServer
from origin_faults import bursts
from telling import Tell

from fetcher.archive.home import Home, create_home
from fetcher.archive.parts import Parts
from fetcher.simulator.body import make_body

_KIB: Final = 1 << 10
_SIZE: Final = 2 * (_KIB << 10) + 3
_CHECKPOINT: Final = 256 * _KIB


@pytest.fixture
def runs(shim: Path, tmp_path: Path) -> Iterator[Runs]:
    """Yield what runs the program that downloads one file."""
    with runs_under(shim, tmp_path, program="crash.one_download") as made:
        yield made


def _recorded(runs: Runs, home: Home, *, log: Path) -> bytes:
    """Have a file downloaded in two runs, the first of which is killed; return its bytes.

    Each believes that it is in a boot of its own, and this process is in another one.
    """
    body = make_body("large", size=_SIZE, extension=".mp4").read(0, _SIZE)
    with OriginServer() as server:
        url = server.add("/a.mp4", body)
        server.script("/a.mp4", [bursts([_CHECKPOINT // 4], pause_s=0.05)] * 2)
        for mode, code in ((Mode.AFTER, -9), (Mode.COUNT, 0)):
            boot_id = log.with_suffix(f".{mode}")
            boot_id.write_text(f"boot {mode}\n", encoding="ascii")
            injection = Injection(mode=mode, point=3, only="rename:.memo", log=log, boot_id=boot_id)
            arguments = (str(home.root), url, str(_CHECKPOINT))
            ended = runs.run(*arguments, root=home.root, environ={}, injection=injection)
            assert (code, "") == (ended.code, ended.stderr)
        (_, resumed) = server.ranges
    assert resumed is not None
    return body


def test_what_a_memo_calls_durable_survives_every_power_cut(runs: Runs, tmp_path: Path, tell: Tell) -> None:
    """F05: in another boot only bytes are gone on with that a checkpoint made durable, and these are right."""
    home = create_home(tmp_path / "archive", config="")
    disk, log, place = Disk.holding(home.root), tmp_path / "log", tmp_path / "left"
    body = _recorded(runs, home, log=log)
    calls = read_calls(log, root=home.root)
    assert 3 <= len([call for call in calls if call.kind is Kind.FLUSH and call.path.endswith(".part")])
    tried = 0
    sound: set[int] = set()
    for call in calls:
        disk.apply(call)
        for survival in (Nothing(), Everything(), *(kind(seed) for seed in seeds(usual=1) for kind in SEEDED)):
            shutil.rmtree(place, ignore_errors=True)
            after_power_cut(disk, survival).put(place)
            have, prefix = asyncio.run(_gone_on_with(Home(place)))
            assert body[:have] == prefix, f"power lost after {call}, left: {survival}: {have} bytes are not right"
            sound.add(have)
            tried += 1

    tell(f"{tried} states after {len(calls)} calls; parts of {len(sound)} sizes were gone on with")
    assert {0} < sound


async def _gone_on_with(home: Home) -> tuple[int, bytes]:
    """Return how many bytes a new run would take as sound, and what they are."""
    parts = Parts(home.parts)
    await parts.scan()
    part = parts.take(VIDEO_ID, VID)
    have = part.sound_bytes()
    return have, part.path.read_bytes()[:have] if have else b""
