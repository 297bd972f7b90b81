"""What earlier runs have learned of links, and for how long it is believed."""

import functools
from pathlib import Path

import pytest
from sync_cases import now_ms, wired

from fetcher.archive.home import create_home
from fetcher.domain.lifetime import Lifetime
from fetcher.domain.link import Link
from fetcher.ledger.link_clocks import keep_lifetimes
from fetcher.sync.clocks import LinkClocks

_DAY = 86_400_000


@pytest.mark.parametrize(("days", "expected_s"), [(6, 61), (8, 1800), (-2, 1800)])
async def test_f38_one_odd_link_is_not_believed_for_ever(tmp_path: Path, days: int, expected_s: int) -> None:
    """Refused at the age of a minute: links are renewed before they are so old, and none can speak against it.

    What a clock wrote down that was days ahead would be believed for so much longer.
    """
    odd = {"cdn": Lifetime(refused_ms=61_000)}
    async with wired(create_home(tmp_path / "a", config="")) as wires:
        await wires.ledger.write(functools.partial(keep_lifetimes, news=odd, now=now_ms() - days * _DAY))
        clocks = LinkClocks(1800, now=now_ms)
        await clocks.load(wires.ledger)

    assert expected_s == clocks.seconds("cdn")


def test_f38_an_expired_link_that_told_its_expiry_says_nothing_of_how_long_others_live() -> None:
    """A minute later it is no minute old; taken for its age, all open tasks would be asked about each minute."""
    now = now_ms()
    url = f"https://cdn/a.mp4?auth_key={now // 1000 - 61}-a-b-c0ffee"
    clocks = LinkClocks(1800, now=now_ms)

    clocks.refused(Link(url=url, obtained_at=now - 2 * _DAY, success_at=now - 3 * _DAY))
    assert (1800, 1800) == (clocks.seconds("cdn"), clocks.shortest_s())

    clocks.refused(Link(url=url, obtained_at=now - 50_000, success_at=now - 3 * _DAY))
    assert 61 == clocks.seconds("cdn")
