"""Count the steps of a process, so that it can be killed at any of them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

_ON_FILES: Final = frozenset({"os.link", "os.rename", "os.remove"})
_heard: list["Steps"] = []
"""Whose files are listened to; Python does not forget a hook once it has one."""


class Steps:
    """Turns of the loop, changes of the thread, transactions, and changes of names below *root*.

    Args:
        root: The archive.
        dies_at: The step at which ``kill`` is called; None for never.
        kill: Ends the process.
    """

    def __init__(self, root: Path, *, dies_at: int | None, kill: Callable[[str], None]) -> None:
        self._root = str(root)
        self._dies_at = dies_at
        self._kill = kill
        self.count = 0

    def take(self, kind: str) -> None:
        """Take one step."""
        self.count += 1
        if self.count == self._dies_at:
            self._kill(kind)

    def hear(self, event: str, path: object) -> None:
        """Take a step where a name is about to change."""
        if str(path).startswith(self._root):
            self.take(event)

    def __enter__(self) -> Self:
        if _heard == [] and not _is_hooked():
            sys.addaudithook(_hook)
        _heard.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _heard.remove(self)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _heard and event in _ON_FILES:
        _heard[-1].hear(event, arguments[0])


_hooked: list[bool] = []


def _is_hooked() -> bool:
    """Tell whether the hook was set before, and note that it is."""
    was, _hooked[:] = bool(_hooked), [True]
    return was
