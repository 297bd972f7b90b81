"""Polyv's API as one history has it: answers about tasks, and all that may come instead."""

import asyncio
import json
import random
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, Final

from simulation.clock import Clock
from simulation.library import Library, Row, new_rows
from simulation.weather import Weather

from fetcher.domain.errors import PolyvUnavailableError
from fetcher.polyv.failures import NeverSentError
from fetcher.polyv.transport import Answer
from fetcher.simulator.signature import auth_key, sign_v3

SECRET: Final = "testSecretKey0123456789"
_TIMEOUT_S: Final = 20.0
_LONGEST_SKEW_MS: Final = 180_000
_KEY: Final = "key of the origin"
_NO_ANSWER: Final = ("api: no connection", "api: silence")
_BAD_ANSWERS: Final = ("api: page", "api: cut", "api: busy", "api: unknown code", "api: null", "api: empty")
_NO_CREATION: Final = ("create: no connection", "create: unheard", "create: page", "create: refused")
_ROW_TROUBLES: Final = ("row: vanished", "row: no url", "row: backwards", "row: unknown status", "row: false FAIL")


class Polyv:
    """Answers by the true time.

    Args:
        library: What it has.
        clock: Of the history.
        weather: What comes instead.
        rng: The history's.
    """

    def __init__(self, library: Library, clock: Clock, weather: Weather, rng: random.Random) -> None:
        self._library = library
        self._clock = clock
        self._weather = weather
        self._rng = rng
        self.asked: list[tuple[float, str]] = []
        """When which task was asked about, answered or not."""
        self.made: list[tuple[float, str, int]] = []
        """When which video was asked for in a task that was made, and for how many days."""

    async def answer(self, params: Mapping[str, str]) -> Answer:
        """Answer one question about a task.

        Raises:
            PolyvUnavailableError: It does not.
        """
        self.asked.append((self._clock.now_s, params["taskId"]))
        match self._weather.one_of(_NO_ANSWER):
            case "api: no connection":
                raise NeverSentError("no connection")
            case "api: silence":
                await asyncio.sleep(_TIMEOUT_S)
                raise PolyvUnavailableError("silence")
        return self._answer(params)

    async def create(self, params: Mapping[str, str]) -> Answer:
        """Make a task, or do not, and answer, or do not.

        Raises:
            PolyvUnavailableError: No answer comes.
        """
        match self._weather.one_of(_NO_CREATION):
            case "create: no connection":
                raise NeverSentError("no connection")
            case "create: unheard":
                raise PolyvUnavailableError("cut")
            case "create: page":
                return self._reply(502, b"<html>Bad Gateway</html>")
            case "create: refused":
                return self._reply(400, _envelope(None, code=400, error=20003))
        if refusal := self._refusal(params):
            return refusal
        vids, now_s = params["vids"].split(","), self._clock.now_s
        task_id = f"{self._rng.getrandbits(128):032x}"
        self._library.tasks[task_id] = new_rows(self._rng, vids, now_s=now_s, is_calm=self._weather.is_calm)
        self.made += [(now_s, vid, int(params["expireDays"])) for vid in vids]
        if self._weather.strikes("create: silence"):
            await asyncio.sleep(_TIMEOUT_S)
            raise PolyvUnavailableError("silence")
        if self._weather.strikes("create: cut"):
            return self._reply(200, _envelope({"taskId": task_id})[:-9])
        return self._reply(200, _envelope({"taskId": task_id}))

    def _answer(self, params: Mapping[str, str]) -> Answer:
        if trouble := self._weather.one_of(_BAD_ANSWERS):
            return self._bad_answer(trouble, params)
        return self._refusal(params) or self._reply(200, _envelope(self._rows(params)))

    def _refusal(self, params: Mapping[str, str]) -> Answer | None:
        unsigned = {name: value for name, value in params.items() if name != "sign"}
        if abs(int(params["timestamp"]) - self._clock.true_s() * 1000) > _LONGEST_SKEW_MS:
            self._weather.note("api: wrong clock")
            return self._reply(400, _envelope(None, code=400, error=100))
        if params["sign"] != sign_v3(unsigned, SECRET):
            return self._reply(403, _envelope(None, code=403, error=104))
        return None

    def _bad_answer(self, trouble: str, params: Mapping[str, str]) -> Answer:
        if trouble == "api: page":
            return self._reply(502, b"<html>Bad Gateway</html>")
        if trouble == "api: busy":
            return self._reply(429, b"", {"retry-after": self._rng.choice(("1", "7", "600"))})
        if trouble == "api: unknown code":
            return self._reply(200, _envelope(None, code=400, error=20003))
        if trouble == "api: cut":
            return self._reply(200, _envelope(self._rows(params))[:-9])
        return self._reply(200, _envelope(None if trouble == "api: null" else []))

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        date = formatdate(self._clock.true_s(), usegmt=True)
        return Answer(status_code=status, headers={"date": date, **(headers or {})}, body=body)

    def _rows(self, params: Mapping[str, str]) -> list[Any]:
        told: list[Any] = []
        for row in self._library.tasks[params["taskId"]]:
            trouble = self._weather.one_of(_ROW_TROUBLES, row.vid)
            if row.leaves_at <= self._clock.now_s or trouble == "row: vanished":
                continue
            told.append(self._row(row, trouble))
            if self._weather.strikes("row: doubled", row.vid):
                told.insert(0, self._row(row, "row: backwards"))
        if self._weather.strikes("api: odd rows"):
            told += [None, {"vid": "../../etc/passwd", "status": "SUCCESS", "url": "file:///etc/passwd"}]
        return told

    def _row(self, row: Row, trouble: str) -> dict[str, Any]:
        created_ms = int((self._clock.true_s() - self._clock.now_s) * 1000)
        told = {"vid": row.vid, "url": None, "status": "PROCESS", "createTime": created_ms, "successTime": None}
        if trouble == "row: unknown status":
            return {**told, "status": "EXPIRED"}
        if trouble == "row: false FAIL" or (row.fails and row.ready_at <= self._clock.now_s):
            return {**told, "status": "FAIL"}
        if trouble == "row: backwards" or row.ready_at > self._clock.now_s:
            return told
        success_ms = created_ms + int(row.ready_at * 1000)
        url = None if trouble == "row: no url" else self._link(row.vid)
        return {**told, "url": url, "status": "SUCCESS", "successTime": success_ms}

    def _link(self, vid: str) -> str:
        path = self._library.originals[vid].path
        every = 0.0 if self._weather.is_calm else self._library.sign_every_s
        born_s = self._clock.true_s() if not every else self._clock.true_s() // every * every
        rand = f"{len(self.asked):x}" if not every else "0"
        stamp = int(born_s) + (self._library.lifetime_s if self._library.stamps == "expiry" else 0)
        key = auth_key(path, timestamp=stamp, rand=rand, uid=f"{int(born_s):x}", key=_KEY)
        name = "ticket" if self._library.stamps == "none" else "auth_key"
        return f"https://video-dl.example.net{path}?{name}={key}"


def _envelope(data: Any, *, code: int = 200, error: int | None = None) -> bytes:
    """Return the body of an answer."""
    said = None if error is None else {"code": error, "desc": "no"}
    return json.dumps({"requestId": "r", "code": code, "error": said, "data": data}).encode()
