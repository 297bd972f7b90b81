"""What a look at a finished file means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.exit_code import ExitCode
from fetcher.domain.verification import DoneFile, Kind, Seen, code_of_kinds, is_alarming, judge

DONE = DoneFile(video_id=1, vid="v", path="a.mp4", size=5, sha256="5" * 64)


@pytest.mark.parametrize(
    ("seen", "kind", "detail"),
    [
        (Seen(size=5, sha256="5" * 64), Kind.OK, ""),
        (Seen(size=5), Kind.OK, ""),
        (Seen(), Kind.MISSING, "the file is gone"),
        (Seen(size=4), Kind.CHANGED, "4 bytes instead of 5"),
        (Seen(size=5, sha256="6" * 64), Kind.CHANGED, f"sha256 {'6' * 64} instead of {'5' * 64}"),
        (Seen(obstacle="Input/output error"), Kind.UNREADABLE, "Input/output error"),
        (Seen(size=4, obstacle="Input/output error"), Kind.UNREADABLE, "Input/output error"),
    ],
)
def test_what_was_seen_is_judged(seen: Seen, kind: Kind, detail: str) -> None:
    verdict = judge(DONE, seen)
    assert (kind, detail) == (verdict.kind, verdict.detail)


@pytest.mark.parametrize(
    ("damaged", "looked_at", "expected"),
    [
        (0, 0, False),
        (10, 10, False),
        (11, 110, False),
        (11, 109, True),
        (11, 11, True),
        (1000, 10_000, False),
        (1001, 10_000, True),
        (1000, 1_000_000, False),
        (1001, 1_000_000, True),
    ],
)
def test_more_than_ten_are_alarming_where_they_are_a_tenth_or_a_thousand(
    damaged: int, looked_at: int, *, expected: bool
) -> None:
    assert expected is is_alarming(damaged, looked_at)


@given(st.sets(st.sampled_from(Kind)))
def test_whatever_is_not_as_it_was_is_damage_and_a_file_of_others_is_none(kinds: set[Kind]) -> None:
    assert (code_of_kinds(kinds) is ExitCode.OK) is (kinds <= {Kind.OK, Kind.EXTRA})
    assert code_of_kinds(kinds) in (ExitCode.OK, ExitCode.DAMAGE)
