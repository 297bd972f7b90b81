"""How a command that failed ends: what is said of it, and its exit code."""

import errno
import os
from typing import Final

import click

from fetcher.cli.logs import complain, has_logs, set_up_logs, short_traceback
from fetcher.domain.errors import FetcherError
from fetcher.domain.exit_code import ExitCode, code_of

_NO_THREAD: Final = "can't start new thread"
"""What the interpreter says where the machine has no room for another one's stack."""


def tell(error: BaseException) -> int:
    """Say what went wrong, return the exit code."""
    if not has_logs():  # It was found before the options were read that say how to log.
        set_up_logs(verbosity=0, log_format="text", environ=os.environ)
    match error:
        case click.ClickException():
            return _misused(error)
        case click.Abort() | KeyboardInterrupt():
            return ExitCode.SIGINT
        case FetcherError():
            complain(str(error))
            return code_of(error)
        case OSError(errno=errno.ENOSPC | errno.EIO):
            # Of an archive's disk we would have said so ourselves: this is click's help that nobody can read.
            complain(f"stdout cannot be written ({error.strerror})")
            return ExitCode.UNEXPECTED
        case MemoryError() | RuntimeError() if isinstance(error, MemoryError) or _NO_THREAD in str(error):
            complain("there was no memory left; nothing that was done is lost. Run again with fewer --jobs")
            return ExitCode.UNEXPECTED
        case _:
            return _unexpected(error)


def _misused(error: click.ClickException) -> int:
    """Say in one line what was typed wrong, and in another where to look; no command at all gets the help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return ExitCode.USAGE
    complain(" ".join(error.format_message().split()))
    context = error.ctx if isinstance(error, click.UsageError) else None
    complain(f"try '{context.command_path if context else 'fetcher'} --help'")
    return ExitCode.USAGE


def _unexpected(error: BaseException) -> int:
    """An error that nobody foresaw: its kind and place, not its text, which may hold a secret."""
    complain(
        f"unexpected {type(error).__name__}; nothing that was done is lost. Please report it with these lines:"
    )
    complain(short_traceback(error))
    return ExitCode.UNEXPECTED
