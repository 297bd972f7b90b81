"""The two calls about tasks.

Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_create
Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_get
"""

from collections.abc import Mapping
from typing import Any, Final

from fetcher.simulator.envelope import RefusedError
from fetcher.simulator.library import PUBLISHED, Library
from fetcher.simulator.task import Progress, Task
from fetcher.simulator.world import World

MOST_VIDS: Final = 100
_EXPIRE_DAYS: Final = frozenset("1234567")
_BAD_PARAMETER: Final = 2000


def create(world: World, params: Mapping[str, str]) -> dict[str, Any]:
    """Create a task."""
    vids = [vid for vid in params.get("vids", "").split(",") if vid]
    if not 1 <= len(vids) <= MOST_VIDS:
        raise RefusedError(_BAD_PARAMETER, f"vids: 1 to {MOST_VIDS} expected, got {len(vids)}")
    if params.get("expireDays") not in _EXPIRE_DAYS:
        raise RefusedError(_BAD_PARAMETER, "expireDays: 1 to 7 expected")
    if not all(_is_published(world.library, vid) for vid in vids):
        raise RefusedError(_BAD_PARAMETER)
    task_id = world.library.create_task(vids, expire_days=int(params["expireDays"]))
    world.most_outstanding = max(world.most_outstanding, world.outstanding())
    return {"taskId": task_id}


def get(world: World, params: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """Answer one row for each video of a task."""
    task = world.library.tasks.get(params.get("taskId", ""))
    if task is None:
        return _unknown_task(world)
    task.polls += 1
    rows = [_row(world, task, vid) for vid in task.vids if vid not in task.hidden]
    return rows + task.extra_rows


def _is_published(library: Library, vid: str) -> bool:
    video = library.videos.get(vid)
    return video is not None and video.status in PUBLISHED


def _unknown_task(world: World) -> list[dict[str, Any]] | None:
    if world.unknown_task == "error":
        raise RefusedError(_BAD_PARAMETER, "task not exist")
    return [] if world.unknown_task == "empty" else None


def _row(world: World, task: Task, vid: str) -> dict[str, Any]:
    progress = _progress(world, task, vid)
    ready = progress.success_at is not None
    return {
        "vid": vid,
        "url": world.link(task.task_id, world.library.videos[vid]) if ready else None,
        "status": progress.status,
        "createTime": int(task.created_at * 1000),
        "successTime": None if progress.success_at is None else int(progress.success_at * 1000),
    }


def _progress(world: World, task: Task, vid: str) -> Progress:
    video = world.library.videos.get(vid)
    if video is None or video.fails:
        return Progress(status="FAIL")
    return task.progress(
        vid,
        ready_after=video.ready_after,
        ready_after_polls=video.ready_after_polls,
        now=world.now(),
    )
