"""What the operating system allows this process, and what it is not to do for us."""

import resource
from typing import Final

_BESIDE: Final = 44
"""Open files of a run apart from its downloads: ledger, locks, Polyv's API, certificates."""
_EACH: Final = 6
"""Open files of one download at the most: socket, part, memo, directories on the way."""


def leave_no_core() -> None:
    """Have no image of this process written when it crashes: the app secret and links are in its memory.

    One byte, and not none: that limit holds for images that are handed to a program, too.
    Source: Linux, fs/coredump.c, do_coredump; core(5) says what a limit of none does not keep from being written.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (1 if hard == resource.RLIM_INFINITY else min(1, hard), hard))


def places_allowed(wanted: int) -> int | None:
    """Return for how many downloads at a time there are open files; None for any number.

    The limit is raised as far as we may where *wanted* need that; fewer are no reason to complain.
    """
    allowed = _raised(_BESIDE + wanted * _EACH)
    return None if allowed == resource.RLIM_INFINITY else (allowed - _BESIDE) // _EACH


def jobs_allowed(jobs: int) -> int:
    """Return how many of *jobs* may run at a time; the limit of open files is raised as far as we may.

    Raises:
        UsageError: Not even one.
    """
    import logging

    from fetcher.domain.errors import UsageError

    needed = _BESIDE + jobs * _EACH
    allowed = _raised(needed)
    if allowed == resource.RLIM_INFINITY or allowed >= needed:
        return jobs
    fitting = (allowed - _BESIDE) // _EACH
    if fitting < 1:
        raise UsageError(f"{allowed} open files are too few, {_BESIDE + _EACH} are needed: raise 'ulimit -n'")
    logging.getLogger(__name__).warning("%d jobs instead of %d: 'ulimit -n' is %d", fitting, jobs, allowed)
    return fitting


def _raised(needed: int) -> int:
    """Raise the limit of open files to *needed*, as far as we may, and return what it is then."""
    allowed, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed
