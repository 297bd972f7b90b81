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
    if not has_logs():  # It was found before the command was called that has the logs set up.
        set_up_logs(verbosity=0, log_format=_log_format(error), environ=os.environ)
    match error:
        case click.ClickException():
            return _misused(error)
        case click.Abort():
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


def _log_format(error: BaseException) -> str:
    """Return what --log-format says, as far as it was read."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return (context.find_root().params.get("log_format") if context else None) or "text"


def _misused(error: click.ClickException) -> int:
    """Say in one line what was typed wrong, and in another where to look; no command at all gets the help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return ExitCode.USAGE
    context = error.ctx if isinstance(error, click.UsageError) else None
    said, command = " ".join(error.format_message().split()), context.command_path if context else "fetcher"
    if isinstance(error, click.NoSuchOption) and (before := _typed_before(error)):
        said, command = f"{said} It stands before the command: {before}", "fetcher"
    complain(said)
    complain(f"try '{command} --help'")
    return ExitCode.USAGE


def _typed_before(error: click.NoSuchOption) -> str:
    """Return how an option of ``fetcher`` itself that was typed behind a command has to be typed; '' for others."""
    root = error.ctx.find_root() if error.ctx else None
    options = [one for one in root.command.params if isinstance(one, click.Option)] if root else []
    for one in options:
        if error.ctx is not None and error.option_name in one.opts:
            value = "" if one.is_flag or one.count else " …"
            return f"fetcher {error.option_name}{value}{error.ctx.command_path.removeprefix('fetcher')}"
    return ""


def _unexpected(error: BaseException) -> int:
    """An error that nobody foresaw: its kind and place, not its text, which may hold a secret."""
    complain(
        f"unexpected {type(error).__name__}; nothing that was done is lost. Please report it with these lines:"
    )
    complain(short_traceback(error))
    return ExitCode.UNEXPECTED
