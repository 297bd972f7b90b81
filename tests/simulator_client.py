"""A client of the simulator, on the other side of real sockets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video
from fetcher.simulator.server import Simulator
from fetcher.simulator.signature import sign_v3

CREATE: Final = "/v3/video/source-file-task/create"
GET: Final = "/v3/video/source-file-task/get"
LIST: Final = "/v3/video/list-video"
INFO: Final = "/v3/video/get-video-info"
CATEGORY: Final = "/v3/category/get"
SIZE: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a client saw of one answer."""

    status_code: int
    headers: httpx.Headers
    body: bytes
    error: type[Exception] | None


class Client:
    """An account holder who signs as the vendor's page says."""

    def __init__(self, simulator: Simulator, http: httpx.Client) -> None:
        self.simulator = simulator
        self.http = http

    def signed(self, **params: str) -> dict[str, str]:
        """Complete parameters with application, moment and signature."""
        params = {
            "appId": self.simulator.app_id,
            "timestamp": str(int(self.simulator.now() * 1000)),
        } | params
        return {"sign": sign_v3(params, self.simulator.app_secret)} | params

    def ask(self, path: str, **params: str) -> httpx.Response:
        """Send a signed GET."""
        return self.http.get(self.simulator.url + path, params=self.signed(**params))

    def submit(self, *vids: str, **params: str) -> httpx.Response:
        """Create a task."""
        form = self.signed(vids=",".join(vids), **{"expireDays": "1"} | params)
        return self.http.post(self.simulator.url + CREATE, data=form)

    def rows(self, task_id: str) -> list[dict[str, Any]]:
        """Return a task's rows."""
        rows: list[dict[str, Any]] = self.ask(GET, taskId=task_id).json()["data"]
        return rows

    def link(self, video: Video) -> str:
        """Return a fresh link to a video."""
        return str(self.rows(self.simulator.library.create_task([video.vid]))[0]["url"])

    def fetch(self, url: str, method: str = "GET", **headers: str) -> Fetched:
        """Fetch a link, keeping what came before a break."""
        body, error = b"", None
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.http.stream(method, url, headers=names) as response:
            try:
                for piece in response.iter_raw():
                    body += piece
            except httpx.TransportError as exc:
                error = type(exc)
        return Fetched(status_code=response.status_code, headers=response.headers, body=body, error=error)

    def download(self, video: Video, **headers: str) -> Fetched:
        """Fetch a video by a fresh link."""
        return self.fetch(self.link(video), **headers)


@contextmanager
def client_of(simulator: Simulator) -> Iterator[Client]:
    """Yield a client that trusts any certificate and asks for bodies as they are."""
    headers = {"Accept-Encoding": "identity"}
    with httpx.Client(timeout=5, headers=headers, trust_env=False, verify=False) as http:
        yield Client(simulator, http)


def add(simulator: Simulator, *faults: Fault) -> Video:
    """Add a video of ``SIZE`` bytes, served with *faults*."""
    return simulator.library.add_video(size=SIZE, faults=faults)


def whole(video: Video) -> bytes:
    """Return all bytes of a video."""
    return video.read(0, video.size)
