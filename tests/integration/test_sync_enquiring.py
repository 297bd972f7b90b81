"""Questions about sources: what is asked, what is kept, and what comes late or not at all."""

import asyncio
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sync_cases import now_ms, wired

from fetcher.archive.home import create_home
from fetcher.domain.errors import CredentialsRefusedError, PolyvUnavailableError, VideoRefusedError
from fetcher.domain.observation import Observation
from fetcher.domain.status import Preparation
from fetcher.domain.vendor import Expected
from fetcher.ledger.schema import videos
from fetcher.ledger.sources import Told, keep_told
from fetcher.sync.enquiring import Enquiring

_MD5 = "900150983cd24fb0d6963f7d28e17f72"


class _Answers:
    """Knows sizes and MD5s, refuses calls that name what it does not know, and may be slow or silent."""

    def __init__(self, sizes: Mapping[str, int], *, md5_error: Exception | None = None) -> None:
        self._sizes = sizes
        self._md5_error = md5_error
        self.asked: list[Sequence[str]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.error: Exception | None = None

    async def get_sizes(self, vids: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(vids)
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        if not self._sizes.keys() >= set(vids):
            raise VideoRefusedError("2000", code=400, error_code=2000, request_id=None)
        return {vid: self._sizes[vid] for vid in vids}

    async def get_source(self, vid: str) -> Expected:
        self.asked.append([vid])
        if self._md5_error is not None:
            raise self._md5_error
        return Expected(size=self._sizes[vid] + 1, md5=_MD5)


def _seen(*vids: str) -> list[Observation]:
    return [Observation(vid=vid, said=Preparation.PROCESS, raw="PROCESS") for vid in vids]


async def _add(wires: Any, *vids: str) -> None:
    rows = [{"vid": vid, "status": "wanted", "added_at": now_ms()} for vid in vids]
    await wires.ledger.write(lambda connection: connection.execute(videos.insert(), rows))


async def _kept(wires: Any) -> dict[str, tuple[int | None, bool, bool]]:
    """Return by vid the size that is known, and whether size and MD5 were asked for."""
    columns = (videos.c.vid, videos.c.size_expected, videos.c.size_asked_at, videos.c.md5_asked_at)
    rows = await wires.ledger.read(lambda connection: connection.execute(select(*columns)).all())
    return {
        row.vid: (row.size_expected, row.size_asked_at is not None, row.md5_asked_at is not None) for row in rows
    }


def _keep(told: Mapping[str, Told]) -> Any:
    return functools.partial(keep_told, told=told, now=now_ms())


async def test_one_video_that_is_refused_costs_no_other_its_size(tmp_path: Path) -> None:
    """The call is asked again in halves, until it stands alone; then nobody asks of it for days."""
    async with wired(create_home(tmp_path / "archive", config="")) as wires:
        answers = _Answers({"a": 1, "b": 2, "d": 4})
        enquiring = Enquiring(wires, answers=answers, has_sizes=True, has_md5s=False)
        await _add(wires, *"abcd")

        told = await enquiring.ask(_seen(*"abcd"))
        await wires.ledger.write(_keep(told))
        asked = len(answers.asked)

        assert {"a": (1, True, False), "b": (2, True, False), "c": (None, True, False), "d": (4, True, False)} == (
            await _kept(wires)
        )
        assert {} == await enquiring.ask(_seen(*"abcd"))
        assert asked == len(answers.asked)


async def test_an_answer_that_comes_late_is_kept_when_it_comes(tmp_path: Path) -> None:
    async with wired(create_home(tmp_path / "archive", config="")) as wires:
        answers = _Answers({"a": 1})
        answers.may_answer.clear()
        enquiring = Enquiring(wires, answers=answers, has_sizes=True, has_md5s=False, wait_s=0)
        await _add(wires, "a")

        assert {} == await enquiring.ask(_seen("a"))
        answers.may_answer.set()
        await asyncio.gather(*enquiring.active)

        assert {"a": (1, True, False)} == await _kept(wires)


async def test_what_is_stopped_is_asked_again_another_time(tmp_path: Path) -> None:
    async with wired(create_home(tmp_path / "archive", config="")) as wires:
        answers = _Answers({"a": 1})
        answers.may_answer.clear()
        enquiring = Enquiring(wires, answers=answers, has_sizes=True, has_md5s=True, wait_s=0)
        await _add(wires, "a")

        await enquiring.ask(_seen("a"))
        enquiring.stop()
        await asyncio.gather(*enquiring.active, return_exceptions=True)

        assert {"a": (None, False, False)} == await _kept(wires)
        assert {} == await enquiring.ask(_seen("a"))


async def test_what_the_main_account_is_told_goes_before_what_is_listed(tmp_path: Path) -> None:
    """It is said of the source itself."""
    async with wired(create_home(tmp_path / "archive", config="")) as wires:
        enquiring = Enquiring(wires, answers=_Answers({"a": 1}), has_sizes=True, has_md5s=True)

        told = Told(expected=Expected(size=2, md5=_MD5), listed_size=1, of_size=True, of_md5=True)
        assert {"a": told} == await enquiring.ask(_seen("a"))


@pytest.mark.parametrize("is_listed_first", [True, False])
async def test_what_the_list_says_is_kept_where_the_main_account_is_told_otherwise(
    tmp_path: Path, *, is_listed_first: bool
) -> None:
    """By it a later word of the list is told from an old one; where both say the same, one is enough."""
    async with wired(create_home(tmp_path / "archive", config="")) as wires:
        await _add(wires, *"ab")
        listed = {vid: Told(expected=Expected(size=1), listed_size=1, of_size=True, of_md5=False) for vid in "ab"}
        alone = {
            vid: Told(expected=Expected(size=size, md5=_MD5), of_size=False, of_md5=True)
            for vid, size in (("a", 2), ("b", 1))
        }
        both = {vid: dataclasses.replace(told, listed_size=1, of_size=True) for vid, told in alone.items()}

        for told in [listed, alone] if is_listed_first else [both]:
            await wires.ledger.write(_keep(told))

        columns = (videos.c.size_expected, videos.c.size_listed)
        rows = await wires.ledger.read(lambda connection: connection.execute(select(*columns)).all())
        assert [(2, 1), (1, None)] == rows


@pytest.mark.parametrize(
    ("error", "most"), [(CredentialsRefusedError("no"), 8), (PolyvUnavailableError("nothing"), 9)]
)
async def test_what_is_asked_for_in_vain_is_soon_asked_for_no_more(
    tmp_path: Path, error: Exception, most: int
) -> None:
    """Sizes and MD5s alike; those that were under way come to their end."""
    vids = [f"v{number:02}" for number in range(40)]
    async with wired(create_home(tmp_path / "archive", config="")) as wires:
        answers = _Answers(dict.fromkeys(vids, 1), md5_error=error)
        answers.error = PolyvUnavailableError("nothing")
        enquiring = Enquiring(wires, answers=answers, has_sizes=True, has_md5s=True)

        for _ in range(4):
            assert {} == await enquiring.ask(_seen(*vids))

        assert 2 == sum(len(asked) > 1 for asked in answers.asked)
        assert most >= sum(len(asked) == 1 for asked in answers.asked)
