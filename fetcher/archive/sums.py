"""Lists of digests that GNU's ``sha256sum -c`` and ``md5sum -c`` take, read from the archive's own directory."""

from typing import Final

_ESCAPED: Final = frozenset("\\\n\r")


def sum_line(digest: str, path: str) -> str:
    r"""Return one line without its end.

    Args:
        digest: Lower-case hex digits.
        path: Below the directory in which the list will be checked.

    Source: GNU coreutils, "md5sum invocation" and NEWS: a line begins with a backslash where the name has one, a
    newline or (since 9.0) a carriage return, for which ``\\``, ``\n`` and ``\r`` stand in it. For a file that is
    called ``-`` stdin would be read.
    """
    name = "./-" if path == "-" else path
    if _ESCAPED.isdisjoint(name):
        return f"{digest}  {name}"
    escaped = name.replace("\\", r"\\").replace("\n", r"\n").replace("\r", r"\r")
    return f"\\{digest}  {escaped}"
