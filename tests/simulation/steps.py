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
        dies_after_name: The same by the finished files: the how manieth name, from 1, and how many steps after it.
        kill: Ends the process.
    """

    def __init__(
        self,
        root: Path,
        *,
        dies_at: int | None,
        dies_after_name: tuple[int, int] | None,
        kill: Callable[[str], None],
    ) -> None:
        self._root = str(root)
        self._dies_at = dies_at
        self._names_left, self._after_name = dies_after_name or (0, 0)
        self._kill = kill
        self.count = 0

    def take(self, kind: str) -> None:
        """Take one step."""
        self.count += 1
        if self.count == self._dies_at:
            self._kill(kind)

    def hear(self, event: str, path: object) -> None:
        """Take a step where a name is about to change."""
        if not str(path).startswith(self._root):
            return
        if event == "os.link" and self._names_left:
            self._names_left -= 1
            if not self._names_left:
                self._dies_at = self.count + self._after_name
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
