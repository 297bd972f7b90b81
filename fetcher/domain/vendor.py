"""What Polyv says of a source, and what is made of a whole file that differs from it."""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What Polyv says of a video's source; None where it says nothing, which is no reason to wait."""

    size: int | None = None
    """Bytes."""
    md5: str | None = None
    """32 lower-case hex digits."""


NOTHING_SAID: Final = Expected()


class Mismatch(StrEnum):
    """What becomes of a file that came whole and is not what Polyv says."""

    QUARANTINE = "quarantine"
    """It needs a person, and is kept apart for them."""
    KEEP = "keep"
    """It is done, and its row says what differs."""
    FAIL = "fail"
    """It needs a person, and only the numbers are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a whole file differs from what Polyv says, its origin not speaking against it."""

    text: str
    """Both values of each, for a person."""
    is_vouched: bool
    """Whether the origin vouches for what came: fetching it again would bring the same."""
    is_credible: bool
    """Whether it opens like a video, or a digest of the origin's agrees."""


class Verdict(Enum):
    """What is done with a whole file that differs."""

    AGAIN = auto()
    """Fetched once more: it may have been bad luck."""
    KEEP = auto()
    QUARANTINE = auto()
    FAIL = auto()


def judged(difference: Difference, *, sha256: str, differed: str | None, policy: Mismatch) -> Verdict:
    """Return what to do with a file that differs from Polyv's word.

    Args:
        difference: How.
        sha256: Of the file.
        differed: That of the whole copy that differed before, None where there was none.
        policy: The setting.

    Returns:
        ``AGAIN`` once at the most. Two copies that differ from each other, too, are nothing to keep: the way spoils
        them. Nor is what opens like no video and has no digest.
    """
    if differed is None and not difference.is_vouched:
        return Verdict.AGAIN
    is_certain = difference.is_vouched or sha256 == differed
    if policy is Mismatch.FAIL:
        return Verdict.FAIL
    is_kept = policy is Mismatch.KEEP and is_certain and difference.is_credible
    return Verdict.KEEP if is_kept else Verdict.QUARANTINE
