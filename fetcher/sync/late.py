"""A run's two workers, opened when there is something to ask or to fetch.

Most runs from cron find nothing due. What the workers stand on (httpx, stamina, the machine's certificates) takes
longer to load than all that such a run does.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AsyncExitStack

    from fetcher.domain.events import Event
    from fetcher.domain.vendor import Expected
    from fetcher.downloader.orders import Order, Renew, TryAgain
    from fetcher.downloader.worker import Downloader
    from fetcher.polyv.client import PolyvClient
    from fetcher.polyv.delivery import Delivery
    from fetcher.polyv.tasks import TaskAnswer
    from fetcher.transfer.meter import Meter

T = TypeVar("T")
_log: Final = logging.getLogger(__name__)


class Late(Generic[T]):
    """Something that is opened once, when it is first asked for.

    Args:
        opens: Makes it, not yet opened.
        stack: Closes it with all else.
    """

    def __init__(self, opens: Callable[[], AbstractAsyncContextManager[T]], stack: AsyncExitStack) -> None:
        self._opens = opens
        self._stack = stack
        self._opening = asyncio.Lock()
        self.opened: T | None = None
        """None until it is."""

    async def get(self) -> T:
        """Return it, opened."""
        if self.opened is not None:
            return self.opened
        async with self._opening:
            if self.opened is None:
                self.opened = await self._stack.enter_async_context(self._opens())
            return self.opened


class LatePolyv:
    """Polyv's API; its client is opened by the first question."""

    def __init__(self, client: Late[PolyvClient]) -> None:
        self._client = client

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return 0 if self._client.opened is None else self._client.opened.calls

    def retry_in_s(self) -> float:
        """Return for how many seconds Polyv is left alone, 0 where it may be asked."""
        return 0.0 if self._client.opened is None else self._client.opened.breaker.retry_in_s()

    async def get_task(self, task_id: str) -> TaskAnswer:
        """Ask where the videos of a task stand.

        Raises:
            UsageError: A proxy or certificate setting of the environment cannot be used.
            CredentialsRefusedError: No call can succeed.
            PolyvError: No usable answer.
        """
        client = await self._client.get()
        _log.debug("task %s: asking Polyv", task_id)
        answer = await client.get_task(task_id)
        _log.debug("task %s: Polyv tells of %d videos", task_id, len(answer.items))
        return answer

    async def create_task(self, vids: Sequence[str], *, expire_days: int, delivery: Delivery | None = None) -> str:
        """Ask Polyv to prepare videos, and return the task's id.

        Raises:
            UsageError: A proxy or certificate setting of the environment cannot be used.
            CredentialsRefusedError: No call can succeed.
            PolyvError: There is no task, or nobody knows; see ``PolyvClient.create_task``.
        """
        client = await self._client.get()
        return await client.create_task(vids, expire_days=expire_days, delivery=delivery)

    async def get_sizes(self, vids: Sequence[str]) -> Mapping[str, int]:
        """Ask for the sizes of sources, in bytes by vid.

        Raises:
            FetcherError: No usable answer.
        """
        client = await self._client.get()
        _log.debug("asking Polyv for the sizes of %d videos", len(vids))
        return await client.get_sizes(vids)

    async def get_source(self, vid: str) -> Expected:
        """Ask for size and MD5 of one source, as the main account.

        Raises:
            FetcherError: No usable answer.
        """
        client = await self._client.get()
        _log.debug("%s: asking Polyv for its MD5", vid)
        return await client.get_source(vid)


class LateDownloader:
    """A downloader that is made for the first video."""

    def __init__(self, downloader: Late[Downloader]) -> None:
        self._downloader = downloader
        self._places: int | None = None
        self._is_stopped = False

    @property
    def running(self) -> Mapping[str, Meter]:
        """The transfers under way, by vid."""
        return {} if self._downloader.opened is None else self._downloader.opened.running

    @property
    def fetched(self) -> int:
        """Bytes that came over the network so far."""
        return 0 if self._downloader.opened is None else self._downloader.opened.fetched

    @property
    def threads(self) -> int:
        """How many transfers can be under way now; none where none was yet."""
        return 0 if self._downloader.opened is None else self._downloader.opened.threads

    def stop(self) -> None:
        """Break all transfers off, those that are asked for later too."""
        self._is_stopped = True
        if self._downloader.opened is not None:
            self._downloader.opened.stop()

    def recall(self) -> None:
        """Give back the downloads that are not begun."""
        if self._downloader.opened is not None:
            self._downloader.opened.recall()

    def resize(self, places: int) -> None:
        """Have *places* transfers under way at a time, from the first one on where there is none yet."""
        self._places = places
        if self._downloader.opened is not None:
            self._downloader.opened.resize(places)

    async def download(self, order: Order, renew: Renew) -> Event | TryAgain:
        """Fetch one video and return what happened to it.

        Raises:
            TransferStoppedError: ``stop`` was called; the part is kept.
            StorageError: The disk.
        """
        is_first = self._downloader.opened is None
        downloader = await self._downloader.get()
        if is_first and self._places is not None:
            downloader.resize(self._places)
        if self._is_stopped:
            downloader.stop()
        _log.debug("%s: download begins, to %s", order.vid, order.path)
        verdict = await downloader.download(order, renew)
        _log.debug("%s: %s", order.vid, type(verdict).__name__)
        return verdict
