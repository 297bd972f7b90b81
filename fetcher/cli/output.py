"""Data on stdout: UTF-8 whatever the locale, and no crash where nobody listens any more."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec


class Output:
    """Writes lines; after the first failure it is silent and remembers that."""

    def __init__(self) -> None:
        self.is_broken = False

    def line(self, text: str) -> None:
        """Write one line at once."""
        if self.is_broken:
            return
        try:
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
            sys.stdout.buffer.flush()
        except (OSError, ValueError, AttributeError):
            self.is_broken = True
            _silence()

    def lines(self, texts: Iterable[str]) -> None:
        """Write lines until nobody listens."""
        for text in texts:
            self.line(text)
            if self.is_broken:
                return

    def json(self, value: Mapping[str, Any]) -> None:
        """Write one JSON object as one line."""
        self.line(msgspec.json.encode(value).decode())


def _silence() -> None:
    """Keep the interpreter from trying again at its end, which would change the exit code."""
    try:
        sys.stdout = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115 - stays open until the end
    except OSError:
        sys.stdout = None
