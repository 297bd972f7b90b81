"""What is said on stderr: levels, formats, and no secret in any of it."""

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from fetcher.cli.lines import LineThread, is_loss, write_all
from fetcher.domain.masking import masked

_LOG: Final = logging.getLogger("fetcher")
_SAID: Final = logging.getLogger("fetcher.said")
_JOURNAL_LEVELS: Final = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


class _Masked(logging.Filter):
    """Renders a record at once and masks it, its traceback included: nothing else may see the arguments."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(record.getMessage(), self._secrets), None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = masked(short_traceback(record.exc_info[1]), self._secrets)
            record.exc_info = None
        return True


class _JournalFormatter(logging.Formatter):
    """journald adds the time itself and reads the level from a prefix (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        return f"<{_JOURNAL_LEVELS.get(record.levelno, 6)}>{super().format(record)}"


_MOST_WAITING: Final = 10_000
"""Lines for somebody who does not read; about a megabyte."""


class _LaterHandler(logging.Handler):
    """Says things from a thread of its own: neither somebody who does not read nor a full disk holds up a run.

    Args:
        descriptor: Where to.
        encoding: In what.
    """

    def __init__(self, descriptor: int, encoding: str) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._encoding = encoding
        self.instead: Callable[[str], None] | None = None
        """Writes each line in our place, while bars are shown."""
        self._is_given_up = False
        """Whether nobody has read what was waited for."""
        self.is_lost = False
        """Whether a line could not be written that somebody wanted: a full disk, not a reader that has gone."""
        self._lines = LineThread(self._write, most=_MOST_WAITING, left_out=self._left_out)

    def emit(self, record: logging.LogRecord) -> None:
        """Have it written soon."""
        self._lines.put(self.format(record))

    def flush(self) -> None:
        """Wait until all is written, but not for long, and not twice; logging calls this once more at the end."""
        self._is_given_up = self._is_given_up or not self._lines.drain()

    def _write(self, line: str) -> None:
        """Write one line, if it can be."""
        if self.instead is not None:
            self.instead(line)
            return
        try:
            write_all(self._descriptor, f"{line}\n".encode(self._encoding, "backslashreplace"))
        except OSError as exc:
            self.is_lost = self.is_lost or is_loss(exc)

    def _left_out(self, count: int) -> str:
        text = f"{count} lines are left out here: nobody read what is said"
        return self.format(logging.LogRecord("fetcher", logging.WARNING, "", 0, text, None, None))


def set_up_logs(
    *, verbosity: int, log_format: str, environ: Mapping[str, str], secrets: tuple[str, ...] = ()
) -> None:
    """Have everything that logs do so on stderr.

    Warnings by default, errors alone with -q, how it went with -v, each step and each request to Polyv with -vv.
    """
    level = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    if sys.stderr is None:
        logging.disable()
        return
    handler = _LaterHandler(sys.stderr.fileno(), sys.stderr.encoding)
    handler.setFormatter(_formatter(log_format, is_journal=_is_journal(environ)))
    handler.addFilter(_Masked(tuple(secret for secret in secrets if secret)))
    _SAID.setLevel(logging.INFO)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("httpcore", "filelock", "asyncio", "aiosqlite"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    if level != logging.DEBUG:
        logging.getLogger("alembic").setLevel(max(level, logging.WARNING))  # Its steps are for -vv.
    # One line a request, the query cut off; its DEBUG would tell every byte's whereabouts.
    logging.getLogger("httpx").setLevel(logging.INFO if level == logging.DEBUG else max(level, logging.WARNING))


def has_logs() -> bool:
    """Tell whether it is set up how to say things."""
    return bool(logging.getLogger().handlers)


def was_lost() -> bool:
    """Wait until all is said, and tell whether something of it could not be."""
    lost = False
    for handler in logging.getLogger().handlers:
        handler.flush()
        lost = lost or (isinstance(handler, _LaterHandler) and handler.is_lost)
    return lost


def complain(text: str) -> None:
    """Say one line of error on stderr, if there still is one."""
    _LOG.error("%s", text)


def say(text: str) -> None:
    """Say one line on stderr that was asked for, whatever the level."""
    _SAID.info("%s", text)


@contextlib.contextmanager
def said_by(write: Callable[[str], None]) -> Iterator[None]:
    """Have *write* write each line while the block runs, from the thread that writes them all."""
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, _LaterHandler)]
    for handler in handlers:
        handler.instead = write
    try:
        yield
    finally:
        for handler in handlers:
            handler.instead = None


def keep_secret(secret: str) -> None:
    """Have *secret* masked in all that is said from now on."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(_Masked((secret,)))


def _is_journal(environ: Mapping[str, str]) -> bool:
    """Tell whether stderr is journald's. Whatever a service or a desktop's terminal starts inherits the variable.

    Source: systemd.exec(5), JOURNAL_STREAM: device and inode, to be compared with those of the stream.
    """
    named = environ.get("JOURNAL_STREAM")
    if not named:
        return False
    found = os.fstat(sys.stderr.fileno())
    return named == f"{found.st_dev}:{found.st_ino}"


def _formatter(log_format: str, *, is_journal: bool) -> logging.Formatter:
    if log_format == "json":
        from pythonjsonlogger.json import JsonFormatter

        return JsonFormatter("%(levelname)s %(name)s %(message)s", timestamp=True)
    if is_journal:
        return _JournalFormatter("%(message)s")
    return logging.Formatter("fetcher: %(message)s")


def short_traceback(exc: BaseException) -> str:
    """Return where *exc* came from: kinds, files and lines, no values."""
    frames = traceback.extract_tb(exc.__traceback__)
    places = [f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join([*places, f"  {type(exc).__name__}"])
