"""Where there is no memory for a download, the others go on."""

import os
import subprocess
import sys
from pathlib import Path

from origin import OriginServer
from origin_faults import bursts
from transfer_cases import video

_ONE_BUFFER_FOR_TWO = """
import asyncio, resource, sys
from pathlib import Path
from downloader_cases import bench_in

async def main(directory, first, slow, other):
    buffers = [memoryview(bytearray(1 << 20))]
    with bench_in(directory, buffers=buffers) as bench:
        def download(number, url):
            return bench.download(url, path=f"{number}.mp4", video_id=number, vid=f"{number:032}_1")
        await download(1, first)
        running = asyncio.create_task(download(2, slow))
        while buffers:
            await asyncio.sleep(0.01)
        before = resource.getrlimit(resource.RLIMIT_AS)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 900_000, before[1]))
        told = await download(3, other)
        resource.setrlimit(resource.RLIMIT_AS, before)
        print(type(told).__name__, getattr(told, "detail", ""))
        print(type(await running).__name__, type(await download(3, other)).__name__)

asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
"""


def test_f10_a_download_that_finds_no_memory_is_left_for_later(tmp_path: Path) -> None:
    """F10: no room for its buffer; the one under way is not disturbed, and a later try succeeds."""
    body = video(1_500_000)
    tests = Path(__file__).resolve().parents[1]
    environ = {**os.environ, "PYTHONPATH": f"{tests}:{tests.parent}", "MALLOC_ARENA_MAX": "1"}
    with OriginServer() as server:
        urls = [server.add("/first.mp4", body[:5000]), server.add("/slow.mp4", body), server.add("/c.mp4", body)]
        server.script("/slow.mp4", [bursts([700_000, 800_000], pause_s=0.7)])

        ran = subprocess.run(
            [sys.executable, "-c", _ONE_BUFFER_FOR_TWO, tmp_path, *urls],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    told, ends = ran.stdout.splitlines()
    assert "TryAgain there was no memory left for it; fewer --jobs need less" == told
    assert "FileVerified FileVerified" == ends
    assert [body, body] == [(tmp_path / "library" / name).read_bytes() for name in ("2.mp4", "3.mp4")]
