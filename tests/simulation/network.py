"""The lines from one process to Polyv and to the origin. They are dead when the process is."""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Literal, Self

import httpx
from simulation.cdn import Reply, SimulatedCdn
from simulation.polyv import Polyv
from simulation.threads import LockstepCrew

from fetcher.domain.errors import PolyvUnavailableError, TransferInterruptedError
from fetcher.polyv.transport import Answer as ApiAnswer
from fetcher.transfer.connection import Attach
from fetcher.transfer.origin import Answer
from fetcher.transfer.turn import Turn

_LONGEST_SILENCE_S: Final = 30.0
IsDead = Callable[[], bool]


class ApiLine:
    """Carries questions to Polyv.

    Args:
        polyv: Who answers.
        trip: Returns how long a way takes, in seconds.
        is_dead: Whether the process is.
    """

    def __init__(self, polyv: Polyv, *, trip: Callable[[], float], is_dead: IsDead) -> None:
        self._polyv = polyv
        self._trip = trip
        self._is_dead = is_dead

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def exchange(
        self,
        method: Literal["GET", "POST"],
        path: str,
        params: Mapping[str, str],
        *,
        timeout_s: float | None = None,
    ) -> ApiAnswer:
        """Ask and wait.

        Raises:
            PolyvUnavailableError: No answer.
        """
        del timeout_s  # No answer is slow here.
        calls = {("GET", "get"): self._polyv.answer, ("POST", "create"): self._polyv.create}
        ask = calls[method, path.removeprefix("/v3/video/source-file-task/")]
        await asyncio.sleep(self._trip())
        if self._is_dead():
            raise PolyvUnavailableError("nobody asks any more")
        answer = await ask(params)
        await asyncio.sleep(self._trip())
        return answer


class Line:
    """One exchange with the origin, waited for by one thread of the crew."""

    def __init__(self, crew: LockstepCrew, turn: Turn) -> None:
        self._crew = crew
        self._turn = turn
        self._fibre = crew.here()
        self.is_broken = False

    def wait(self, seconds: float) -> None:
        """Wait as a thread does: the turn is left to others."""
        if seconds > 0 and not self.is_broken:
            with self._turn.left():
                self._crew.wait(seconds)

    def abort(self) -> None:
        """Break it: whoever waits on it goes on at once."""
        self.is_broken = True
        self._crew.wake(self._fibre)


class OriginLine:
    """Asks the origin."""

    def __init__(self, cdn: SimulatedCdn, crew: LockstepCrew, turn: Turn, *, is_dead: IsDead) -> None:
        self._cdn = cdn
        self._crew = crew
        self._turn = turn
        self._is_dead = is_dead

    def ask(self, url: str, headers: Mapping[str, str], *, attach: Attach) -> Answer:
        """Request *url*.

        Raises:
            TransferInterruptedError: No connection.
        """
        line = Line(self._crew, self._turn)
        attach(line)
        line.wait(0.01)
        reply = None if self._is_dead() or line.is_broken else self._cdn.reply(url, headers)
        if reply is None:
            raise TransferInterruptedError("no connection")
        line.wait(reply.pause_s)
        body = _Body(reply, line, self._cdn, self._is_dead)
        return Answer(status_code=reply.status, headers=reply.headers, body=body)

    def close(self) -> None:
        """Do nothing: no connection outlives its exchange."""


class _Body:
    """The bytes of one reply, piece by piece."""

    def __init__(self, reply: Reply, line: Line, cdn: SimulatedCdn, is_dead: IsDead) -> None:
        self._reply = reply
        self._line = line
        self._cdn = cdn
        self._is_dead = is_dead
        self._at = 0

    def readinto(self, view: memoryview) -> int:
        """Take the next piece, after a while.

        Raises:
            httpx.HTTPError: The body broke off.
        """
        reply = self._reply
        end = len(reply.body) if reply.ends_at is None else reply.ends_at
        count = min(len(view), reply.piece, end - self._at)
        if count == 0 and reply.stalls:
            self._line.wait(_LONGEST_SILENCE_S)
            self._require_whole()
            raise httpx.ReadTimeout("silence")
        self._line.wait(reply.gap_s)
        self._require_whole()
        if count == 0:
            return self._end()
        view[:count] = reply.body[self._at : self._at + count]
        self._at += count
        if reply.is_film:
            self._cdn.tally.served[reply.vid] += count
        return count

    def _require_whole(self) -> None:
        if self._line.is_broken or self._is_dead():
            raise httpx.ReadError("the line is broken")

    def _end(self) -> int:
        """Return 0 where nothing tells the end from a broken line, or where it is the end."""
        if self._at == len(self._reply.body) or not {"content-length", "transfer-encoding"} & {
            *self._reply.headers
        }:
            return 0
        if "content-length" in self._reply.headers:
            raise httpx.RemoteProtocolError("the body broke off")
        raise httpx.ReadError("the body broke off between its chunks")

    def close(self) -> None:
        """Do nothing."""

    def abort(self) -> None:
        """Break the line."""
        self._line.abort()
