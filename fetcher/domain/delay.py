"""How long to wait: between tries, and after tasks that were lost."""

from typing import Final

_LONGEST_RETRY_S: Final = 60.0
_LONGEST_OBEYED_S: Final = 3600.0
"""Of what an origin asks for."""
_FEW_LOSSES: Final = 3
"""Lost tasks in a row that may be chance; more of them say that the next one is going to be lost, too."""
_FIRST_LOSS_MS: Final = 3_600_000
"""The pause after so many; it doubles with each that follows."""
_LONGEST_LOSS_MS: Final = 86_400_000


def retry_delay(attempt: int, *, first_s: float, jitter: float, asked_s: float | None = None) -> float:
    """Return the pause after the *attempt*-th try (from 1), in seconds.

    Doubles from *first_s* up to a minute. What the origin asked for is obeyed up to an hour, and never undercut.

    Args:
        attempt: The try that has just failed, from 1.
        first_s: The pause after the first.
        jitter: Uniform in 0..1, so that many clients do not come back at once; it takes off up to a half.
        asked_s: ``Retry-After`` in seconds, None where there was none.
    """
    ours = min(first_s * 2.0 ** min(attempt - 1, 32), max(_LONGEST_RETRY_S, first_s)) * (1 - jitter / 2)
    return ours if asked_s is None else max(ours, min(asked_s, _LONGEST_OBEYED_S))


def rest_delay(troubles: int, *, first_s: float, longest_s: float) -> float:
    """Return the pause after Polyv was asked for a task in vain, in seconds: half as long again each time.

    Args:
        troubles: How often in a row, at least 1.
        first_s: The pause after the first.
        longest_s: What the pause grows to.
    """
    return min(first_s * 1.5 ** min(max(troubles, 1) - 1, 64), max(longest_s, first_s))


def pause_after_losses(losses: int) -> int | None:
    """Return how long no other task is asked for after so many in a row were lost, in ms; None for no pause.

    Each may have been paid for, and brings nothing. The pause doubles from an hour up to a day.
    """
    if losses < _FEW_LOSSES:
        return None
    return min(_FIRST_LOSS_MS << min(losses - _FEW_LOSSES, 8), _LONGEST_LOSS_MS)
