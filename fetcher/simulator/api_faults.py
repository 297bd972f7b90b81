"""What can be made to go wrong with the API's answers, by name."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Self


class ApiFaultKind(Enum):
    """The misbehaviours of the API."""

    HTML = auto()
    HTTP_500 = auto()
    ERROR = auto()
    SLOW = auto()
    TRUNCATED_JSON = auto()
    EMPTY = auto()
    NULL_DATA = auto()
    RESET = auto()
    UNHEARD = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiFault:
    """One misbehaviour of the API; made by the class methods.

    html, http_500 and error answer without doing what was asked, unheard resets without doing it.
    truncated_json, empty, null_data and reset do it first: a task so created exists, and its id is lost.

    Attributes:
        kind: Which.
        times: How many answers it spoils; None means every one.
        path: Only requests whose path contains this; empty means all.
        seconds: For slow.
        error_code: For error, as in ``error.code``.
    """

    kind: ApiFaultKind
    times: int | None = 1
    path: str = ""
    seconds: float = 0.0
    error_code: int = 0

    @classmethod
    def html(cls, *, times: int | None = 1, path: str = "") -> Self:
        """Answer 200 with a page instead of JSON."""
        return cls(kind=ApiFaultKind.HTML, times=times, path=path)

    @classmethod
    def http_500(cls, *, times: int | None = 1, path: str = "") -> Self:
        """Answer 500 with plain text."""
        return cls(kind=ApiFaultKind.HTTP_500, times=times, path=path)

    @classmethod
    def error(cls, error_code: int, *, times: int | None = 1, path: str = "") -> Self:
        """Refuse in the envelope, with an ``error.code`` of the vendor's table or any other."""
        return cls(kind=ApiFaultKind.ERROR, error_code=error_code, times=times, path=path)

    @classmethod
    def slow(cls, seconds: float, *, times: int | None = 1, path: str = "") -> Self:
        """Wait before the answer."""
        return cls(kind=ApiFaultKind.SLOW, seconds=seconds, times=times, path=path)

    @classmethod
    def truncated_json(cls, *, times: int | None = 1, path: str = "") -> Self:
        """Send the first half of the right answer."""
        return cls(kind=ApiFaultKind.TRUNCATED_JSON, times=times, path=path)

    @classmethod
    def empty(cls, *, times: int | None = 1, path: str = "") -> Self:
        """Answer 200 with no body."""
        return cls(kind=ApiFaultKind.EMPTY, times=times, path=path)

    @classmethod
    def null_data(cls, *, times: int | None = 1, path: str = "") -> Self:
        """Answer success with ``data: null``."""
        return cls(kind=ApiFaultKind.NULL_DATA, times=times, path=path)

    @classmethod
    def reset(cls, *, times: int | None = 1, path: str = "") -> Self:
        """Reset the connection instead of answering."""
        return cls(kind=ApiFaultKind.RESET, times=times, path=path)

    @classmethod
    def unheard(cls, *, times: int | None = 1, path: str = "") -> Self:
        """Reset the connection, and do nothing of what was asked."""
        return cls(kind=ApiFaultKind.UNHEARD, times=times, path=path)
