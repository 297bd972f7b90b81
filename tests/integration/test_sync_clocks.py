"""What earlier runs have learned of links, and for how long it is believed."""

import functools
from pathlib import Path

import pytest
from sqlalchemy import text
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


@pytest.mark.parametrize(("setting_s", "expected_s"), [(1800, 1800), (610, 600), (86_400, 86_400)])
async def test_another_setting_dates_what_is_ready_already(tmp_path: Path, setting_s: int, expected_s: int) -> None:
    """Whoever sets it because links live longer has them called at risk no more."""
    signed_at = now_ms() // 1000 * 1000
    url = f"https://cdn/a.mp4?auth_key={signed_at // 1000}-a-b-c0ffee"
    async with wired(create_home(tmp_path / "a", config="")) as wires:
        await wires.ledger.write(
            lambda connection: connection.execute(
                text(
                    "INSERT INTO videos (vid, status, link, link_obtained_at, deadline, start_by, added_at)"
                    " VALUES ('a', 'ready', :url, :at, :dies_at, :dies_at, 1)"
                ),
                {"url": url, "at": signed_at, "dies_at": signed_at + 600_000},
            )
        )
        clocks = LinkClocks(setting_s, now=now_ms)
        await clocks.load(wires.ledger)
        await clocks.keep(wires.ledger, now=now_ms())
        found = await wires.ledger.read(
            lambda connection: connection.execute(text("SELECT deadline, start_by FROM videos")).one()
        )

    assert (signed_at + expected_s * 1000,) * 2 == tuple(found)


def test_f38_an_expired_link_that_told_its_expiry_says_nothing_of_how_long_others_live() -> None:
    """A minute later it is no minute old; taken for its age, all open tasks would be asked about each minute."""
    now = now_ms()
    url = f"https://cdn/a.mp4?auth_key={now // 1000 - 61}-a-b-c0ffee"
    clocks = LinkClocks(1800, now=now_ms)

    clocks.refused(Link(url=url, obtained_at=now - 2 * _DAY, success_at=now - 3 * _DAY))
    assert (1800, 1800) == (clocks.seconds("cdn"), clocks.shortest_s())

    clocks.refused(Link(url=url, obtained_at=now - 50_000, success_at=now - 3 * _DAY))
    assert 61 == clocks.seconds("cdn")
