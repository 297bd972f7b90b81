"""Ask Polyv about one task, and say what its answer means: values in, observations out."""

from collections.abc import Callable
from typing import Protocol

from fetcher.domain.link import Link, is_usable
from fetcher.domain.observation import Observation
from fetcher.domain.status import Preparation
from fetcher.polyv.tasks import TaskAnswer, TaskItem


class TaskSource(Protocol):
    """Who can be asked about a task."""

    async def get_task(self, task_id: str) -> TaskAnswer:
        """Return Polyv's answer."""
        ...


class Poller:
    """Turns answers about tasks into observations of videos.

    Args:
        source: Polyv.
        now: ms UTC, by the corrected clock.
        lifetime_s: Returns for a host how long its links live whose timestamp is the moment of signing, in seconds.
        loopback_too: Whether links may lead to this machine, as they do where the API is there.
        warn: Told of what is odd in an answer.
    """

    def __init__(
        self,
        *,
        source: TaskSource,
        now: Callable[[], int],
        lifetime_s: Callable[[str], int],
        loopback_too: bool,
        warn: Callable[[str], None],
    ) -> None:
        self._source = source
        self._now = now
        self._lifetime_s = lifetime_s
        self._loopback_too = loopback_too
        self._warn = warn

    async def ask(self, task_id: str) -> list[Observation]:
        """Return what Polyv says of each video of a task; rows that cannot be used are told and left out.

        Raises:
            PolyvError: No answer, or none that can be used.
            CredentialsRefusedError: No call can succeed.
        """
        answer = await self._source.get_task(task_id)
        for odd in answer.odd:
            self._warn(f"task {task_id}: left out a row of Polyv's answer: {odd}")
        return [self._observation(item, task_id) for item in answer.items]

    def _observation(self, item: TaskItem, task_id: str) -> Observation:
        if item.status is Preparation.UNKNOWN:
            self._warn(f"task {task_id}: Polyv says {item.raw_status!a} of {item.vid}; asked again later")
        link = self._link(item, task_id)
        return Observation(
            vid=item.vid,
            said=item.status,
            raw=item.raw_status,
            created_at=item.created_at,
            link=link,
            deadline=link.deadline(lifetime_s=self._lifetime_s(link.host)) if link else None,
        )

    def _link(self, item: TaskItem, task_id: str) -> Link | None:
        if item.status is not Preparation.SUCCESS or item.url is None:
            return None
        if not is_usable(item.url, loopback_too=self._loopback_too):
            self._warn(f"task {task_id}: the link of {item.vid} is not https to a host; not followed")
            return None
        return Link(url=item.url, obtained_at=self._now(), success_at=item.success_at)
