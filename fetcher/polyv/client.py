"""The client of Polyv's API: signs, asks, tries again, and answers with values of the domain."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import stamina
from aiolimiter import AsyncLimiter

from fetcher.domain.errors import CredentialsRefusedError, PolyvError, UsageError
from fetcher.domain.http_time import retry_after_s
from fetcher.domain.vendor import Expected
from fetcher.polyv.account import MainAccount, SubAccount
from fetcher.polyv.answers import parse_envelope
from fetcher.polyv.breaker import CircuitBreaker
from fetcher.polyv.calls import Call, asking_about, asking_as, creating, sizing
from fetcher.polyv.clock import PolyvClock, offset_from_date
from fetcher.polyv.delivery import Delivery
from fetcher.polyv.failures import NeverSentError, TimestampRefusedError
from fetcher.polyv.tasks import TaskAnswer, parse_task, parse_task_id
from fetcher.polyv.transport import Answer, Exchange, Transport
from fetcher.polyv.video_info import parse_videos
from fetcher.polyv.video_msg import parse_source

_log: Final = logging.getLogger(__name__)
_LONGEST_PAUSE_S: Final = 60.0
"""Between two tries of one call; whoever Polyv asks for a longer one comes back later."""
_SAME_CLOCK_S: Final = 30
"""A correction by less is no news to anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often Polyv is asked, and for how long an answer is waited for."""

    rate_per_s: float = 100
    """Requests a second, those of retries included. Up to one second's worth goes out at once."""
    retries: int = 3
    """Further tries after the first."""
    retry_first_s: float = 1.0
    """The pause before the first of them, in seconds; later ones double, up to a minute."""
    timeout_s: float = 20
    """Longest time for one request, in seconds."""
    create_timeout_s: float = 120
    """The same where a task is asked for: no answer in time is one that is lost, and with it what the task costs.
    Polyv may have to begin the thawing of a hundred videos before it answers."""


class PolyvClient:
    """Asks Polyv's API; an async context manager."""

    def __init__(
        self,
        *,
        api_url: str,
        app_id: str,
        app_secret: str,
        clock: PolyvClock,
        patience: Patience | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        breaker: CircuitBreaker | None = None,
        transport: Exchange | None = None,
        main_account: MainAccount | None = None,
    ) -> None:
        """Take what is needed; nothing is opened yet.

        Args:
            api_url: ``https://api.polyv.net``; plain http only to this machine.
            app_id: The sub-account's appId.
            app_secret: The sub-account's secret key; it signs and is never sent.
            clock: Gives the timestamps; it is corrected where Polyv refuses one.
            patience: How often and how long; None for the usual.
            monotonic: A clock that never jumps, in seconds, for a breaker of its own.
            breaker: One that is shared with other clients.
            transport: Carries the requests; None for one of its own to *api_url*.
            main_account: Asked by ``get_source``; None where nobody knows it.

        Raises:
            UsageError: A value cannot be used.

        Source: the vendor's SDK, docs/vod/limit.md: 1500 requests in 10 s, then five minutes of nothing.
        """
        self._patience = patience or Patience()
        self._transport: Exchange = transport or Transport(api_url=api_url, timeout_s=self._patience.timeout_s)
        self._account = SubAccount(app_id=app_id, secret=app_secret)
        self._main_account = main_account
        secrets = (app_secret, "" if main_account is None else main_account.secret)
        self._secrets = tuple(secret for secret in secrets if secret)
        self._clock = clock
        self._limiter = _limiter(self._patience.rate_per_s)
        self._first_pause_s = min(self._patience.retry_first_s, _LONGEST_PAUSE_S)
        self.breaker: Final = breaker or CircuitBreaker(monotonic=monotonic)
        self.calls = 0
        """Requests sent so far."""

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def get_task(self, task_id: str) -> TaskAnswer:
        """Ask where the videos of a task stand.

        Raises:
            CredentialsRefusedError: No call can succeed: credentials, signature, role or clock.
            PolyvError: No usable answer after all tries.

        Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_get
        """
        return parse_task(await self._ask(asking_about(task_id)))

    async def create_task(self, vids: Sequence[str], *, expire_days: int, delivery: Delivery | None = None) -> str:
        """Ask Polyv to prepare videos, and return the task's id.

        A second request would be a second task, and there is no call that lists tasks. So it is sent again only
        where Polyv cannot have acted on the first.

        Args:
            vids: 1 to 100 video ids.
            expire_days: How long the thawed files stay readable, 1 to 7 days.
            delivery: Kept up to date; for who may have to break the call off.

        Raises:
            UsageError: Too many, too few, or an id that would read as several.
            CredentialsRefusedError: As for ``get_task``; no task was created.
            PolyvRefusedError: Polyv said no; no task was created. ``VideoRefusedError`` where an id is to blame.
            NeverSentError: No connection; no task was created.
            PolyvBlockedError: The breaker is open; nothing was sent.
            PolyvUnavailableError: Any other of its kind: the task may exist, and nobody knows its id.

        Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_create
        """
        delivery, timeout_s = delivery or Delivery(), self._patience.create_timeout_s
        call = creating(vids, expire_days=expire_days, delivery=delivery, timeout_s=timeout_s)
        return parse_task_id(await self._ask(call))

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        """Ask what may be asked twice, and return the answer's ``data``, unchecked.

        Args:
            path: Of the call, from the first ``/`` on.
            params: What is sent beside appId, timestamp and sign.

        Raises:
            CredentialsRefusedError: As for ``get_task``.
            PolyvError: No usable answer after all tries.
        """
        return await self._ask(Call(path=path, params=params))

    async def get_sizes(self, vids: Sequence[str]) -> dict[str, int]:
        """Ask for the sizes of sources, in bytes by vid; those that Polyv does not tell are left out.

        It is asked once: nothing waits for it, and a call that fails is not to cost those that matter theirs.

        Args:
            vids: 1 to 100 video ids.

        Raises:
            CredentialsRefusedError: The sub-account may not ask this.
            VideoRefusedError: One of them is wrong or not yours, and Polyv tells of none.
            PolyvError: No usable answer.

        Source: https://polyv.gitbook.io/document/docs/vod/api sub-account/sub_get_video_info
        """
        rows = parse_videos(await self._ask(sizing(vids)))
        return {row.vid: row.size for row in rows if row.size is not None}

    async def get_source(self, vid: str) -> Expected:
        """Ask for size and MD5 of one source, as the main account; once, as for ``get_sizes``.

        Raises:
            UsageError: No main account is configured.
            CredentialsRefusedError: The main account's credentials are refused.
            PolyvError: No usable answer.

        Source: https://polyv.gitbook.io/document/docs/vod/api/video-management/search/get_video_msg
        """
        if self._main_account is None:
            raise UsageError("no main account: set user_id and its secret")
        call = asking_as(self._main_account, vid)
        return parse_source(await self._ask(call), vid=vid)

    async def _ask(self, call: Call) -> Any:
        """Return an answer's data, after as many tries as are allowed."""
        # stamina logs each retry with the error's repr; no arguments reach it, and our errors hold no secrets.
        tries = stamina.retry_context(
            on=lambda exc: self._pause(call, exc),
            attempts=self._patience.retries + 1 if call.is_worth_waiting else 1,
            timeout=None,
            wait_initial=self._first_pause_s,
            wait_max=_LONGEST_PAUSE_S,
            wait_jitter=self._first_pause_s,
        )
        async for attempt in tries:
            with attempt:
                return await self._try(call)
        raise AssertionError("stamina lets the last error through")

    def _pause(self, call: Call, exc: Exception) -> bool | float:
        """Tell whether to try again: False for no, True for the usual pause, or a pause in seconds."""
        if not isinstance(exc, PolyvError) or not exc.retryable:
            return False
        if not call.is_repeatable and not isinstance(exc, NeverSentError):
            return False
        if call.pause_s is None:
            return True
        # A longer pause would hold the caller's slot: it may come back later.
        return call.pause_s <= _LONGEST_PAUSE_S and max(call.pause_s, self._first_pause_s)

    async def _try(self, call: Call) -> Any:
        """Send the call, once more where Polyv refused the clock: a refused timestamp has created nothing."""
        try:
            return await self._send(call)
        except TimestampRefusedError:
            call.delivery.may_have_arrived = False
            self._correct_clock(call.offset_s)
        try:
            return await self._send(call)
        except TimestampRefusedError as refused:
            raise CredentialsRefusedError(
                f"Polyv refuses the time even after a correction by {self._clock.offset_s:.0f} s: "
                f"check this machine's clock ({refused})"
            ) from None

    def _correct_clock(self, offset_s: float | None) -> None:
        if offset_s is None:
            _log.warning("Polyv refuses our time and its answer carries no usable Date: check this machine's clock")
            return
        is_news = abs(offset_s - self._clock.offset_s) > _SAME_CLOCK_S
        self._clock.correct(offset_s)
        if is_news:  # Several calls may be refused at once, and learn the same.
            how = "behind" if offset_s > 0 else "ahead of"
            _log.warning("this machine's clock is %.0f s %s Polyv's; signing with Polyv's", abs(offset_s), how)

    async def _send(self, call: Call) -> Any:
        """Send one request, signed when its turn has come: a timestamp is good for 3 minutes only."""
        await self._limiter.acquire()
        call.pause_s = call.offset_s = None
        with self.breaker.guard(is_learned_from=call.is_worth_waiting):
            self.calls += 1
            sent_at = self._clock.uncorrected_s()
            call.delivery.may_have_arrived = True
            try:
                signed, timeout_s = self._signed(call), call.timeout_s
                answer = await self._transport.exchange(call.method, call.path, signed, timeout_s=timeout_s)
            except NeverSentError:
                call.delivery.may_have_arrived = False
                raise
            trip_s = self._note_headers(call, answer, sent_at=sent_at)
            data = parse_envelope(answer.body, http_status=answer.status_code, secrets=self._secrets)
        if call.offset_s is not None:
            self._clock.settle(call.offset_s, trip_s=trip_s)
        return data

    def _note_headers(self, call: Call, answer: Answer, *, sent_at: float) -> float:
        """Keep what they tell of time; return how long the answer took, in seconds."""
        now, headers = self._clock.uncorrected_s(), answer.headers
        call.offset_s = offset_from_date(headers.get("date"), headers.get("age"), sent_at=sent_at, received_at=now)
        call.pause_s = retry_after_s(headers.get("retry-after"), now_s=self._clock.now_ms() / 1000)
        return now - sent_at

    def _signed(self, call: Call) -> dict[str, str]:
        return (call.account or self._account).signed(call.params, now_ms=self._clock.now_ms())


def _limiter(rate_per_s: float) -> AsyncLimiter:
    if rate_per_s <= 0:
        raise UsageError("the API's rate has to be more than 0 requests a second")
    burst = max(1.0, rate_per_s)
    return AsyncLimiter(burst, burst / rate_per_s)
