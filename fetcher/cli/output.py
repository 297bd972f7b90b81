"""Data on stdout: UTF-8 whatever the locale, and no crash where nobody listens any more."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from fetcher.cli.lines import LineThread, is_loss, write_all
from fetcher.cli.logs import complain
from fetcher.domain.exit_code import ExitCode


class Output:
    """Writes lines; after the first failure it is silent and remembers that."""

    def __init__(self) -> None:
        self.is_broken = False
        self.is_lost = False
        """Whether lines were lost that somebody wanted: a full disk, not a reader that has seen enough."""

    def line(self, text: str) -> None:
        """Write one line at once."""
        if self.is_broken:
            return
        try:
            write_all(sys.stdout.fileno(), text.encode("utf-8", "backslashreplace") + b"\n")
        except (OSError, ValueError, AttributeError) as exc:
            self.is_broken = True
            self.is_lost = isinstance(exc, OSError) and is_loss(exc)
            if self.is_lost:
                complain(f"stdout cannot be written ({exc}); what was to be shown is not all there")

    def lines(self, texts: Iterable[str]) -> int:
        """Write lines until nobody listens, return the exit code."""
        for text in texts:
            self.line(text)
            if self.is_broken:
                break
        return self.code()

    def json(self, value: Mapping[str, Any]) -> int:
        """Write one JSON object as one line, return the exit code."""
        self.line(msgspec.json.encode(value).decode())
        return self.code()

    def code(self) -> int:
        """Return the exit code of a command that had nothing to do but write."""
        return ExitCode.UNEXPECTED if self.is_lost else ExitCode.OK


class Stream(Output):
    """Writes lines from a thread of its own: a reader that does not read must not hold up the run."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = LineThread(super().line)

    def line(self, text: str) -> None:
        """Have one line written soon."""
        self._lines.put(text)

    def close(self) -> None:
        """Wait until all is written, but not for a reader that does not read."""
        is_written = self._lines.drain()
        self.is_lost = self.is_lost or not is_written
