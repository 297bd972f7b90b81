"""When a transfer stands still."""

from fetcher.downloader.stall import SLOWEST, StallWatch


def _watched(*seen: tuple[float, int, bool]) -> list[bool]:
    watch = StallWatch(window_s=10)
    return [watch.is_stalled(now=now, fetched=fetched, is_receiving=receiving) for now, fetched, receiving in seen]


def test_f46_a_window_without_a_byte_is_a_stall() -> None:
    assert [False, False, True] == _watched((0, 0, True), (9, 0, True), (10, 0, True))


def test_f45_a_drip_below_the_slowest_rate_is_a_stall() -> None:
    assert [False, True] == _watched((0, 500, True), (10, 500 + 10 * SLOWEST - 1, True))


def test_the_slowest_rate_itself_is_none() -> None:
    assert [False, False, False] == _watched((0, 0, True), (10, 10 * SLOWEST, True), (20, 20 * SLOWEST, True))


def test_each_window_is_looked_at_by_itself() -> None:
    """A fast beginning does not buy a slow end."""
    assert [False, False, True] == _watched((0, 0, True), (10, 10**9, True), (20, 10**9, True))


def test_nothing_is_expected_while_nobody_receives() -> None:
    assert [False, False, False, False] == _watched((0, 0, True), (9, 0, False), (11, 0, True), (20, 0, True))
