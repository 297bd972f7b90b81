"""What Polyv has in one history: files and how they change, tasks and what becomes of their rows."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

OPENING: Final = b"\0\0\0\x18ftypmp42"
STORM_S: Final = 10_000
"""What happens to files and rows by itself happens within so many seconds."""
_NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A file at the origin."""

    vid: str
    versions: tuple[bytes, ...]
    changes_at: tuple[float, ...]
    """When each version after the first takes the place of the one before."""
    says: frozenset[str]
    """What an answer names beside the bytes: etag, weak, modified, crc64, repr-digest, length, chunked."""
    gone_at: float
    cold_at: float
    """From when on the thawed file cannot be read."""

    @property
    def is_provable(self) -> bool:
        """Whether its answers can be proven to be of one version, or a digest decides."""
        return bool(self.says & {"etag", "modified", "crc64", "repr-digest"})

    @property
    def path(self) -> str:
        """Return the link's path."""
        return f"/{self.vid[:10]}/{self.vid}.mp4"

    def number(self, now_s: float) -> int:
        """Return which version is there."""
        return sum(at <= now_s for at in self.changes_at)

    def is_lost(self, now_s: float) -> bool:
        """Tell whether it cannot be read any more."""
        return min(self.gone_at, self.cold_at) <= now_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A video in a task."""

    vid: str
    ready_at: float
    fails: bool
    leaves_at: float
    """From when on the task does not name it any more."""

    def gives(self, now_s: float) -> bool:
        """Tell whether there is a link in it."""
        return not self.fails and self.ready_at <= now_s < self.leaves_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """All of it."""

    originals: dict[str, Original]
    tasks: dict[str, tuple[Row, ...]]
    """By id; those that are asked for on the way come to them."""
    submitted: tuple[str, ...]
    """Those that were asked for elsewhere, whose ids people know."""
    wanted: tuple[str, ...]
    """Videos that no task names until somebody asks for one."""
    sign_every_s: float
    """While it storms, a link stays the same for so long, even beyond its life; 0 where each answer has another."""
    lifetime_s: int
    stamps: str
    """What a link's timestamp is: birth, expiry, or none."""

    def rows_of(self, vid: str) -> list[Row]:
        """Return the rows that name a video."""
        return [row for rows in self.tasks.values() for row in rows if row.vid == vid]

    def giving(self, vid: str, now_s: float) -> list[str]:
        """Return the tasks in which Polyv gives a link of a video that works."""
        if self.originals[vid].is_lost(now_s):
            return []
        return [
            task for task, rows in self.tasks.items() if any(row.vid == vid and row.gives(now_s) for row in rows)
        ]


def make_library(rng: random.Random, chance: random.Random) -> Library:
    """Return one by chance; *chance* decides on what is wanted alone."""
    vids = [f"{rng.getrandbits(128):032x}_1" for _ in range(rng.choice((1, 2, 3, 4, 6)))]
    tasks = {}
    for _ in range(rng.choice((1, 1, 2, 3))):
        named = [vid for vid in vids if rng.random() < 0.75] or vids[:1]
        tasks[f"{rng.getrandbits(128):032x}"] = tuple(_row(rng, vid) for vid in named)
    wanted = [f"{chance.getrandbits(128):032x}_1" for _ in range(chance.choice((0, 0, 1, 2, 3)))]
    return Library(
        originals={vid: _original(rng, vid) for vid in vids} | {vid: _original(chance, vid) for vid in wanted},
        tasks=tasks,
        submitted=tuple(tasks),
        wanted=tuple(wanted),
        sign_every_s=rng.choice((0, 0, 0, 40, 900)),
        lifetime_s=rng.choice((5, 30, 300, 1800)),
        stamps=rng.choice(("birth", "expiry", "none")),
    )


def new_rows(rng: random.Random, vids: Sequence[str], *, now_s: float, is_calm: bool) -> tuple[Row, ...]:
    """Return the rows of a task that is made now."""
    rows = [_row(rng, vid) for vid in vids]
    ready_at = [now_s + min(row.ready_at, 3600.0) for row in rows]
    return tuple(
        replace(row, ready_at=at, fails=row.fails and not is_calm, leaves_at=_NEVER if is_calm else row.leaves_at)
        for row, at in zip(rows, ready_at, strict=True)
    )


def _row(rng: random.Random, vid: str) -> Row:
    return Row(
        vid=vid,
        ready_at=rng.choice((0, 0, 5, 60, rng.uniform(0, STORM_S))),
        fails=rng.random() < 0.08,
        leaves_at=_sometimes(rng, 0.06),
    )


def _original(rng: random.Random, vid: str) -> Original:
    size = rng.choice((rng.randint(13, 2000), rng.randint(2000, 20_000), rng.randint(15_000, 60_000)))
    says = {kind for kind in ("etag", "modified", "crc64", "repr-digest") if rng.random() < 0.45}
    if rng.random() < 0.15:
        says = (says - {"etag"}) | {"weak"}
    says |= {rng.choice(("length",) * 5 + ("chunked", "neither"))}
    changes = rng.choice((0, 0, 0, 0, 1, 2))
    sizes = [size, *(size if rng.random() < 0.5 else size + rng.randint(-12, 500) for _ in range(changes))]
    return Original(
        vid=vid,
        versions=tuple(OPENING + rng.randbytes(max(one - len(OPENING), 1)) for one in sizes),
        changes_at=tuple(sorted(rng.uniform(0, 300) for _ in range(changes))),
        says=frozenset(says),
        gone_at=_sometimes(rng, 0.05),
        cold_at=_sometimes(rng, 0.05),
    )


def _sometimes(rng: random.Random, share: float) -> float:
    return rng.uniform(0, STORM_S) if rng.random() < share else _NEVER
