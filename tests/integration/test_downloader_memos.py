"""Whatever a memo says: the right file, or a verdict; a memo is a hint, and never believed against the bytes."""

import asyncio
import json
import os
from pathlib import Path

from downloader_cases import VID, Bench, bench_in
from hypothesis import given, settings
from hypothesis import strategies as st
from origin import OriginServer
from transfer_cases import video

from fetcher.archive.memos import current_boot_id
from fetcher.domain.events import Event, FileVerified
from fetcher.downloader.orders import TryAgain

_BODY = video(50_000)
_EXAMPLES = int(os.environ.get("FETCHER_TEST_EXAMPLES", "60"))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_SIZES = st.sampled_from([0, 1, 20_000, 50_000, 50_001, -1, 1 << 63, 10**400]) | st.integers()
_MEMOS = st.fixed_dictionaries(
    {"format": st.just(1), "vid": st.just(VID)},
    optional={
        "size": _SIZES | _JSON,
        "etag": st.sampled_from(['"v1"', 'W/"v1"', '"a\r\nHost: b"', "", "\ud83c"]) | _JSON,
        "last_modified": st.text(max_size=10) | _JSON,
        "announced": st.dictionaries(
            st.sampled_from(["crc64", "md5", "repr-digest", "content-md5", "sha512", ""]), st.text(max_size=5)
        )
        | _JSON,
        "boot_id": st.just(current_boot_id()) | _JSON,
        "synced": _SIZES | _JSON,
        "sha256": st.text(max_size=70) | _JSON,
    },
).map(lambda memo: json.dumps(memo).encode())
_CONTENTS = st.sampled_from([b"", _BODY[:1], _BODY[:20_000], _BODY[:49_999], _BODY, _BODY + b"x"])


async def _downloaded(bench: Bench, url: str, memo: bytes, content: bytes) -> Event | TryAgain:
    bench.begin_anew()
    for left in (bench.file, *bench.home.parts.iterdir(), *bench.home.quarantine.iterdir()):
        left.unlink(missing_ok=True)
    (bench.home.parts / "7-00000000.memo").write_bytes(memo)
    (bench.home.parts / "7-00000000.part").write_bytes(content)
    await bench.parts.scan()
    told = await bench.download(url)
    return await bench.download(url) if isinstance(told, TryAgain) else told


def test_f102_no_memo_leads_to_a_wrong_file_or_to_an_error_of_another_kind(tmp_path: Path) -> None:
    """F102, F95: torn, of another version, nonsense. FETCHER_TEST_EXAMPLES sets how many are tried."""
    with bench_in(tmp_path) as bench, OriginServer() as server:
        url = server.add("/a.mp4", _BODY)

        @settings(max_examples=_EXAMPLES, deadline=None)
        @given(memo=_MEMOS | _JSON.map(lambda some: json.dumps(some).encode()) | st.binary(), content=_CONTENTS)
        def is_right(memo: bytes, content: bytes) -> None:
            told = asyncio.run(_downloaded(bench, url, memo, content))
            assert isinstance(told, FileVerified), told
            assert _BODY == bench.file.read_bytes()

        is_right()
