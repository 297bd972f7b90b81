"""How long to leave a task alone: by its age, and never for most of what its links may live."""

from typing import Final

_SHARE: Final = 10
"""What a task has to tell is noticed after a tenth of the time for which it was quiet, at the most."""
_LIVES: Final = 3
"""So many questions fall into a link's life: of one that was born unnoticed, two thirds are left."""


def poll_pause(
    quiet_s: float, *, first_s: float, longest_s: float, link_lives_s: float | None = None, jitter: float = 0.0
) -> float:
    """Return the pause between two questions about a task, in seconds.

    Args:
        quiet_s: How long it has been without news.
        first_s: The shortest pause (``poll_interval``).
        longest_s: The longest (``poll_interval_max``).
        link_lives_s: How long its links live from the moment they are ready; None where a dead one costs no more
            than a question.
        jitter: Uniform in 0..1; it takes off up to a tenth, so that tasks added together drift apart.

    Source: the vendor's sample, in which a link bears the moment of success, whenever it is asked for.
    """
    longest = longest_s if link_lives_s is None else min(longest_s, link_lives_s / _LIVES)
    return max(first_s, min(quiet_s / _SHARE, longest)) * (1 - jitter / 10)


def made_up_for(pause_s: float, *, late_s: float, first_s: float) -> float:
    """Return a pause less what its question came late, so that the rhythm is the task's and not that of cron.

    A half of the pause is kept, and *first_s* in any case. After an outage nothing is made up for: what was asked
    one after the other then stays apart.

    Args:
        pause_s: What ``poll_pause`` calls for.
        late_s: How long after it was due the task has been asked about.
        first_s: The shortest pause (``poll_interval``).
    """
    if not 0 < late_s <= pause_s:
        return pause_s
    return max(min(pause_s, first_s), pause_s - min(late_s, pause_s / 2))
