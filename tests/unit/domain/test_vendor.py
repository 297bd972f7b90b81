"""What is made of a whole file that is not what Polyv says."""

import pytest

from fetcher.domain.vendor import Difference, Mismatch, Verdict, judged

_OURS, _OTHER = "a" * 64, "b" * 64


@pytest.mark.parametrize("policy", Mismatch)
def test_f30_a_file_is_fetched_once_more_and_never_a_third_time(policy: Mismatch) -> None:
    difference = Difference(text="", is_vouched=False, is_credible=True)

    assert Verdict.AGAIN is judged(difference, sha256=_OURS, differed=None, policy=policy)
    for before in (_OURS, _OTHER):
        assert Verdict.AGAIN is not judged(difference, sha256=_OURS, differed=before, policy=policy)


@pytest.mark.parametrize(
    ("expected", "policy", "differed", "is_vouched", "is_credible"),
    [
        (Verdict.QUARANTINE, Mismatch.QUARANTINE, _OURS, False, True),
        (Verdict.QUARANTINE, Mismatch.QUARANTINE, None, True, True),
        (Verdict.FAIL, Mismatch.FAIL, _OURS, False, True),
        (Verdict.FAIL, Mismatch.FAIL, _OTHER, False, True),
        (Verdict.FAIL, Mismatch.FAIL, None, True, True),
        (Verdict.KEEP, Mismatch.KEEP, _OURS, False, True),
        (Verdict.KEEP, Mismatch.KEEP, None, True, True),
        (Verdict.QUARANTINE, Mismatch.KEEP, None, True, False),
        (Verdict.QUARANTINE, Mismatch.KEEP, _OTHER, False, True),
        (Verdict.QUARANTINE, Mismatch.KEEP, _OURS, False, False),
    ],
)
def test_f29_f30_the_policy_decides_what_is_certain(
    *, expected: Verdict, policy: Mismatch, differed: str | None, is_vouched: bool, is_credible: bool
) -> None:
    """F29, F30: two copies that differ from each other, and what opens like no video, are kept by no policy."""
    difference = Difference(text="", is_vouched=is_vouched, is_credible=is_credible)

    assert expected is judged(difference, sha256=_OURS, differed=differed, policy=policy)
