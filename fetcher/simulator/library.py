"""The account's videos, categories and tasks."""

import hashlib
import itertools
import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from fetcher.simulator.body import Body, crc64_of, digest_of, make_body
from fetcher.simulator.faults import Fault, Faults
from fetcher.simulator.task import Task

ROOT: Final = "1"
PUBLISHED: Final = frozenset({60, 61})
_LISTED_BY: Final = frozenset({"title", "category_id", "status", "created_at"})
_VID_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A folder of the library; "1" is the root."""

    category_id: str
    name: str
    parent_id: str


@dataclass(slots=True)
class Changes:
    """Counts the changes of what videos are listed by."""

    count: int = 0


@dataclass(slots=True, kw_only=True)
class Video:
    """A video with its bytes, its readiness and its faults.

    Attributes:
        vid: 32 letters or digits, ``_``, one more.
        title: As Polyv lists it.
        extension: Of the file's path, with its dot.
        category_id: Where it lies.
        status: Polyv's number; 60 and 61 are published.
        created_at: Unix seconds.
        listed_size: The size that the API tells, in the listing and of the source.
        ready_after: Seconds of thawing.
        ready_after_polls: Queries before it is ready.
        fails: Whether every task fails for it.
        md5checksum: What the vendor's MD5 call says; None means the truth, "" that it knows none.
        content_type: What the CDN says; the vendor's uploader leaves text/plain.
        faults: How the CDN misbehaves for it.
        link_lifetime: Seconds for which the CDN takes a link of it; None means the world's.
        body: Its bytes as they are now.
        version: Counts replacements of the body, from 0.
        link_base: Scheme and host of its links; None means the world's.
        changes: Of the library, in which this one's are counted; comes first, so that it is there for all others.
    """

    changes: Changes = field(repr=False)

    vid: str
    title: str
    extension: str
    category_id: str
    status: int
    created_at: float
    listed_size: int
    ready_after: float
    ready_after_polls: int
    fails: bool
    md5checksum: str | None
    content_type: str
    faults: Faults[Fault]
    link_lifetime: float | None
    body: Body
    version: int = field(default=0)
    link_base: str | None = None

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; one that listings choose by makes them out of date."""
        object.__setattr__(self, name, value)
        if name in _LISTED_BY:
            self.changes.count += 1

    @property
    def size(self) -> int:
        """Return the size of the file, in bytes."""
        return self.body.size

    @property
    def path(self) -> str:
        """Return the file's path on the CDN, shaped as in the vendor's sample."""
        stem = self.vid.rpartition("_")[0]
        return f"/{self.vid[:10]}/{stem[-1]}/{stem}{self.extension}"

    @property
    def etag(self) -> str:
        """Return the strong ETag; like that of a multipart upload it is not the MD5 of the file."""
        return f'"{hashlib.md5(f"{self.body.seed}:{self.size}".encode()).hexdigest().upper()}-1"'

    def read(self, start: int, stop: int) -> bytes:
        """Return bytes of the file as it is now."""
        return self.body.read(start, stop)

    def sha256(self) -> str:
        """Return the SHA-256 of the file as it is now, in lower-case hex."""
        return digest_of(self.body, "sha256")

    def md5(self) -> str:
        """Return the MD5 of the file as it is now, in lower-case hex."""
        return digest_of(self.body, "md5")

    def crc64(self) -> str:
        """Return CRC-64/XZ of the file as it is now, in decimal."""
        return crc64_of(self.body)

    def replace_body(self) -> None:
        """Put other bytes of the same size in the file's place."""
        self.version += 1
        self.body = make_body(f"{self.vid}:v{self.version}", size=self.size, extension=self.extension)


class Library:
    """Everything the account holds.

    Attributes:
        videos: By vid, in the order of adding.
        categories: By id, the root left out.
        tasks: By task id.
        crc: Whether the CDN tells ``x-oss-hash-crc64ecma``, which costs a pass over each body.
    """

    def __init__(self, *, now: Callable[[], float], seed: int = 0) -> None:
        self.videos: dict[str, Video] = {}
        self.categories: dict[str, Category] = {}
        self.tasks: dict[str, Task] = {}
        self.crc = False
        self._changes = Changes()
        self._paths: dict[str, Video] = {}
        self._now = now
        self._random = random.Random(seed)
        self._category_ids = itertools.count(1_602_300_731_843)
        self._lock = threading.Lock()

    def add_video(
        self,
        *,
        vid: str | None = None,
        size: int = 200_000,
        extension: str = ".mp4",
        title: str | None = None,
        category_id: str = ROOT,
        body: bytes | None = None,
        status: int = 61,
        faults: Iterable[Fault] = (),
        ready_after: float = 0.0,
        ready_after_polls: int = 0,
        fails: bool = False,
        created_at: float | None = None,
        listed_size: int | None = None,
        md5checksum: str | None = None,
        content_type: str = "text/plain",
        link_lifetime: float | None = None,
    ) -> Video:
        """Add a video; see `Video` for the meaning of each value.

        Raises:
            ValueError: Another video has this id or this path.
        """
        vid = vid or self._new_vid()
        content = (
            make_body(vid, size=size, extension=extension)
            if body is None
            else Body(seed=f"{vid}:{hashlib.md5(body).hexdigest()}", size=len(body), verbatim=body)
        )
        video = Video(
            changes=self._changes,
            vid=vid,
            title=f"Video {len(self.videos) + 1}" if title is None else title,
            extension=extension,
            category_id=category_id,
            status=status,
            created_at=self._now() if created_at is None else created_at,
            listed_size=content.size if listed_size is None else listed_size,
            ready_after=ready_after,
            ready_after_polls=ready_after_polls,
            fails=fails,
            md5checksum=md5checksum,
            content_type=content_type,
            faults=Faults(faults),
            link_lifetime=link_lifetime,
            body=content,
        )
        return self._keep(video)

    def _keep(self, video: Video) -> Video:
        with self._lock:
            if video.vid in self.videos or video.path in self._paths:
                raise ValueError(f"{video.vid} is there already; choose another vid")
            self.videos[video.vid] = self._paths[video.path] = video
        return video

    def add_category(self, name: str, *, parent_id: str = ROOT, category_id: str | None = None) -> Category:
        """Add a category below another."""
        category_id = category_id or str(next(self._category_ids))
        category = Category(category_id=category_id, name=name, parent_id=parent_id)
        self.categories[category_id] = category
        return category

    def edition(self) -> object:
        """Return what is another value as soon as a listing may show something else."""
        return self._changes.count, len(self.videos), len(self.categories)

    def create_task(self, vids: Iterable[str], *, expire_days: int = 7, created_at: float | None = None) -> str:
        """Create a task as if it had been submitted elsewhere; nothing is refused. Return its id."""
        task = Task(
            task_id=f"{self._random.getrandbits(128):032x}",
            vids=tuple(vids),
            expire_days=expire_days,
            created_at=self._now() if created_at is None else created_at,
        )
        self.tasks[task.task_id] = task
        return task.task_id

    def task(self, task_id: str) -> Task:
        """Return a task, to bend its answers."""
        return self.tasks[task_id]

    def tasks_of(self, vid: str) -> list[Task]:
        """Return the tasks that name a video, in the order of asking."""
        return [task for task in list(self.tasks.values()) if vid in task.vids]

    def at_path(self, path: str) -> Video | None:
        """Return the video a CDN path means, below whatever prefix."""
        return self._paths.get("/" + "/".join(path.split("/")[-3:]))

    def is_frozen(self, vid: str) -> bool:
        """Tell whether the file can't be read: no task has thawed it, or all thaw windows are over."""
        limits = [task.readable_until(vid) for task in list(self.tasks.values())]
        return self._now() > max((limit for limit in limits if limit is not None), default=0.0)

    def below(self, category_id: str) -> set[str]:
        """Return a category's id and the ids of all categories under it."""
        children = [each.category_id for each in list(self.categories.values()) if each.parent_id == category_id]
        return {category_id}.union(*(self.below(child) for child in children))

    def _new_vid(self) -> str:
        digits = "".join(self._random.choices(_VID_DIGITS, k=33))
        return f"{digits[:32]}_{digits[32]}"
