"""What Polyv's library holds, one video at a time."""

from dataclasses import dataclass
from typing import Final

PUBLISHED: Final = frozenset({60, 61})
"""Polyv's numbers for videos that a task may ask for.

Source: dev.polyv.net, v-api-subaccount/list-video.
"""
DELETED: Final = -1
"""Polyv's number for what lies in its bin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVideo:
    """A video as Polyv lists it. All text is foreign, but without control characters and of bounded length."""

    vid: str
    title: str | None = None
    category: str | None = None
    """The path of names, ``/`` between them and none inside of one."""
    size: int | None = None
    """Bytes of the source."""
    created_at: int | None = None
    """ms UTC."""
    status: int | None = None
    """Polyv's number; None where it said nothing that can be read."""

    @property
    def is_published(self) -> bool:
        """Whether a task may ask for it. What has no status gets the benefit of the doubt."""
        return self.status is None or self.status in PUBLISHED
