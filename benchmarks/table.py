"""Tables in Markdown, and what is said under them; pure."""

from collections.abc import Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: the first column to the left, all others to the right."""
    marks = ["---", *("---:" for _ in heads[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [heads, marks, *rows]) + "\n"


def counted(number: int, noun: str) -> str:
    """Return such as ``1 repetition`` or ``5 repetitions``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
