"""What API and CDN have in common: the account, its videos, the clock and every knob."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from starlette.types import Scope

from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.faults import FaultKind, Faults
from fetcher.simulator.library import Library, Video
from fetcher.simulator.line import Line
from fetcher.simulator.links import AuthTimestamp, Links
from fetcher.simulator.listings import Listings
from fetcher.simulator.records import RequestLog
from fetcher.simulator.wire import Wire, find_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How many API requests an address may send before it is shut out.

    Attributes:
        requests: Allowed within the window.
        window: Seconds.
        block_seconds: How long the address is shut out.
        answer: What it sees meanwhile; the vendor's is unknown.

    Source: https://github.com/polyv/polyv-java-sdk/blob/master/docs/vod/limit.md
    """

    requests: int = 1500
    window: float = 10.0
    block_seconds: float = 300.0
    answer: Literal["reset", "html"] = "reset"


class World:
    """The state behind the simulator.

    Attributes:
        url: Where everything is served, without a slash at the end.
        link_base: Scheme and host of the links; None means `url`.
        app_id: Of the sub-account.
        app_secret: Of the sub-account.
        user_id: Of the main account, for v2.
        user_secret: Of the main account, for v2.
        library: Videos, categories and tasks.
        listings: Which videos the API lists.
        requests: Everything that was asked.
        failures: Exceptions of the simulator itself, which are nobody's wish.
        api_faults: How the API misbehaves.
        clock_offset: Seconds by which the simulator's clock is ahead; it moves the Date header too.
        unknown_task: What a query for an unknown task answers.
        links: Whether each query signs anew or repeats the first link.
        most_outstanding: The most bytes that were thawed and not fetched after a task was created by the API.
        link_lifetime: Seconds for which the CDN takes a link; a video may have its own.
        line: What all bodies share on their way to the client.
        auth_timestamp: What the timestamp in a link means.
        rate_limit: None means unlimited.
    """

    def __init__(self, *, app_id: str, app_secret: str) -> None:
        self.url = ""
        self.link_base: str | None = None
        self.app_id = app_id
        self.app_secret = app_secret
        self.user_id = "1b448be323"
        self.user_secret = "simulated-user-secret"  # noqa: S105 - guards nothing but the simulator
        self.clock_offset = 0.0
        self.library = Library(now=self.now)
        self.listings = Listings(self.library)
        self.requests = RequestLog()
        self.failures: list[Exception] = []
        self.api_faults = Faults[ApiFault]()
        self.unknown_task: Literal["empty", "null", "error"] = "empty"
        self.links: Literal["fresh", "frozen"] = "fresh"
        self.most_outstanding = 0
        self.link_lifetime = 1800.0
        self.auth_timestamp: AuthTimestamp = "issued"
        self.rate_limit: RateLimit | None = None
        self.line = Line()
        self.signer = Links(key="simulated-cdn-key")
        self._frozen_links: dict[tuple[str, str], str] = {}

    def now(self) -> float:
        """Return the simulator's time, in Unix seconds."""
        return time.time() + self.clock_offset

    def link(self, task_id: str, video: Video) -> str:
        """Return the link a query shows for a ready video."""
        key = (task_id, video.vid)
        if self.links == "frozen" and key in self._frozen_links:
            return self._frozen_links[key]
        dead = video.faults.take(FaultKind.EXPIRED) is not None
        base = video.link_base or self.link_base or self.url
        self._frozen_links[key] = f"{base}{self._signed_for(video, dead=dead)}"
        return self._frozen_links[key]

    def lifetime_of(self, video: Video) -> float:
        """Return for how many seconds the CDN takes a link of a video."""
        return self.link_lifetime if video.link_lifetime is None else video.link_lifetime

    def signed(self, path: str, *, lifetime: float | None = None, dead: bool = False) -> str:
        """Return a path with a fresh auth_key, which lives for *lifetime* seconds, None being `link_lifetime`."""
        lifetime = self.link_lifetime if lifetime is None else lifetime
        key = self.signer.sign(path, now=self.now(), lifetime=lifetime, timestamp=self.auth_timestamp, dead=dead)
        return f"{path}?auth_key={key}"

    def outstanding(self) -> int:
        """Return the bytes of all that tasks name and that nobody has fetched to the end."""
        library = self.library
        named = {vid for task in list(library.tasks.values()) for vid in task.vids if vid in library.videos}
        videos = [library.videos[vid] for vid in named if not library.videos[vid].fails]
        sent = self._bytes_sent()
        return sum(video.size for video in videos if sent[video.vid] < video.size)

    def _bytes_sent(self) -> Counter[str]:
        """Return how many bytes of which video went out, in one look at the record."""
        sent: Counter[str] = Counter()
        for request in self.requests:
            if request.vid is not None:
                sent[request.vid] += request.bytes_sent
        return sent

    def _signed_for(self, video: Video, *, dead: bool) -> str:
        return self.signed(video.path, lifetime=self.lifetime_of(video), dead=dead)

    def connections(self) -> Iterable[Any]:
        """Return the open connections; the server knows them."""
        return ()

    def wire(self, scope: Scope) -> Wire:
        """Return the connection below a request."""
        return find_wire(self.connections(), scope)
