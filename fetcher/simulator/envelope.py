"""The envelope around every answer of the v3 API, and its errors."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

ERRORS: Final[Mapping[int, tuple[int, str]]] = {
    100: (400, "invalid timestamp"),
    101: (400, "application not exist"),
    102: (400, "user children not exist"),
    103: (403, "user children expired"),
    104: (403, "invalid signature"),
    105: (403, "permission limited"),
    2000: (400, "video id is wrong or not yours"),
}
"""``error.code`` to ``code`` and ``desc``. Source: https://polyv.gitbook.io/document/docs/vod/api"""


class RefusedError(Exception):
    """The API refuses a request.

    Attributes:
        error_code: Goes into ``error.code``.
        code: Goes into ``code``.
        desc: Goes into ``error.desc``.
    """

    def __init__(self, error_code: int, desc: str | None = None) -> None:
        self.error_code = error_code
        self.code, known = ERRORS.get(error_code, (400, "qps exceeds number of calls"))
        self.desc = desc or known
        super().__init__(self.desc)


def success(data: Any) -> dict[str, Any]:
    """Wrap an answer's data."""
    return {"requestId": str(uuid.uuid4()), "code": 200, "status": "success", "error": None, "data": data}


def failure(refused: RefusedError) -> dict[str, Any]:
    """Wrap an error."""
    return {
        "requestId": str(uuid.uuid4()),
        "code": refused.code,
        "status": "error",
        "error": {"code": refused.error_code, "desc": refused.desc},
        "data": None,
    }
