"""Whether Polyv signs links anew when it is asked again: what one answer shows of it.

Nobody has told. Where it does, a link's death costs a question; where it gives the same link for ever, the video is
lost with it, and a new task is needed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from fetcher.domain.link import Link, auth_timestamp, host_of


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLink:
    """What is known of a video's link before an answer about a task that names the video."""

    url: str | None = field(default=None, repr=False)
    """A secret; None where the video has none."""
    deadline: int | None = None
    """Of this link, ms UTC."""
    success_at: int | None = None
    """When the file behind it was ready, ms UTC."""
    window_ends_at: int | None = None
    """When that goes cold, ms UTC."""
    refused_url: str | None = field(default=None, repr=False)
    """The link in whose place the video waits for another one, a secret."""
    is_expired: bool = False
    """Whether the origin has just called the link expired."""
    told_success_at: int | None = None
    """When the file was ready as this very task has told before, ms UTC; None where it has not."""


def evidence(answer: Iterable[tuple[Link, int | None, KnownLink]]) -> dict[str, bool]:
    """Return by host whether links are signed anew, as far as one answer shows it.

    Where it shows both, some links are not, and that is what counts.

    Args:
        answer: For each video the link that it gives, the link's deadline in ms UTC, and what was known before.
    """
    found: dict[str, bool] = {}
    for given, deadline, known in answer:
        before = found.get(given.host)
        is_same = given.url in (known.url, known.refused_url)
        if before is False or (before and not is_same):
            continue  # Nothing that it could show would change a thing, and to look costs.
        shown = is_signed_anew(given, deadline, known)
        if shown is not None:
            found[given.host] = shown
    return found


def is_signed_anew(given: Link, deadline: int | None, known: KnownLink) -> bool | None:
    """Return what one link of an answer shows, None for nothing.

    The identical link in place of one that is dead says no; that of one that lives says nothing, for whoever signs
    anew need not do so at each question. Nothing is learned of a file that has gone cold.
    """
    now = given.obtained_at
    if known.window_ends_at is not None and known.window_ends_at <= now:
        return None
    if given.url == known.url:
        is_dead = known.is_expired or (known.deadline is not None and known.deadline <= now)
        return False if is_dead else None
    if given.url == known.refused_url:  # For its age, or for what no other link would have helped against.
        return False if deadline is not None and deadline <= now else None
    return True if _outlives(given, deadline, known) else None


def _outlives(given: Link, deadline: int | None, known: KnownLink) -> bool:
    """Tell whether a task gives a link that lives longer than the one it gave of the same file before.

    By the stamps too: the deadline of one and the same stamp moves with what is learned of lifetimes.
    """
    if known.url is None or deadline is None or known.deadline is None or deadline <= known.deadline:
        return False
    if known.told_success_at is None or {given.success_at, known.success_at} != {known.told_success_at}:
        return False  # The first link of a task, or in place of another task's.
    before, after = auth_timestamp(known.url), auth_timestamp(given.url)
    return before is not None and after is not None and before < after and host_of(known.url) == given.host
