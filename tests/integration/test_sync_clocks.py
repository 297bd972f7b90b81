"""What earlier runs have learned of links, and for how long it is believed."""

import functools
from pathlib import Path

import pytest
from sync_cases import now_ms, wired

from fetcher.archive.home import create_home
from fetcher.domain.lifetime import Lifetime
from fetcher.ledger.link_clocks import keep_lifetimes
from fetcher.sync.clocks import LinkClocks

_DAY = 86_400_000


@pytest.mark.parametrize(("days", "expected_s"), [(6, 61), (8, 1800)])
async def test_f38_one_odd_link_is_not_believed_for_ever(tmp_path: Path, days: int, expected_s: int) -> None:
    """Refused at the age of a minute: links are renewed before they are so old, and none can speak against it."""
    odd = {"cdn": Lifetime(refused_ms=61_000)}
    async with wired(create_home(tmp_path / "a", config="")) as wires:
        await wires.ledger.write(functools.partial(keep_lifetimes, news=odd, now=now_ms() - days * _DAY))
        clocks = LinkClocks(1800, now=now_ms)
        await clocks.load(wires.ledger)

    assert expected_s == clocks.seconds("cdn")
