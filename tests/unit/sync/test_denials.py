"""Hosts that refuse every fresh link."""

from typing import Final

from fetcher.domain.events import FileMissing
from fetcher.downloader.orders import TryAgain
from fetcher.sync.denials import Denials

DENIED: Final = TryAgain(detail="403", is_denied=True)
BROKEN: Final = TryAgain(detail="the line broke")
ENDED: Final = FileMissing(at=1, detail="whatever is no try")


def told(denials: Denials, *looks: tuple[str, TryAgain | FileMissing], now: float = 0) -> list[str]:
    """Return what is told of these ends, one after the other."""
    errors = [denials.look(host, verdict, now=now) for host, verdict in looks]
    return [str(error).partition(" ")[0] for error in errors if error is not None]


def test_eight_in_a_row_are_told_by_their_host_whatever_another_one_does() -> None:
    denials = Denials(rest_s=60)
    looks: list[tuple[str, TryAgain | FileMissing]] = [("a", DENIED), ("b", ENDED), ("b", BROKEN)] * 8

    assert [] == told(denials, *looks[:-3])
    assert ["a"] == told(denials, *looks[-3:])
    assert (["a"], True, False) == (
        denials.hosts,
        denials.is_left_alone("a", now=59),
        denials.is_left_alone("b", now=0),
    )


def test_one_that_ends_otherwise_breaks_the_row() -> None:
    assert [] == told(Denials(rest_s=60), *[*[("a", DENIED)] * 7, ("a", BROKEN)] * 3)


def test_after_its_rest_a_host_has_another_eight() -> None:
    denials = Denials(rest_s=60)
    assert ["a"] == told(denials, *[("a", DENIED)] * 8)

    assert not denials.is_left_alone("a", now=60)
    assert [] == told(denials, *[("a", DENIED)] * 7, now=60)
    assert ["a"] == told(denials, ("a", DENIED), now=61)
    assert denials.is_left_alone("a", now=120)
    assert denials.is_any_left_alone(now=120)
    assert not denials.is_any_left_alone(now=121)
