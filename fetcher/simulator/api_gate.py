"""What stands before every API call: who asks, when, with which signature, how often."""

import hmac
import time
from collections import deque
from collections.abc import Mapping
from typing import Final

from fetcher.simulator.envelope import RefusedError
from fetcher.simulator.signature import sign_v2, sign_v3
from fetcher.simulator.world import RateLimit, World

TOLERANCE_MS: Final = 180_000


def admit(world: World, params: Mapping[str, str]) -> None:
    """Let a v3 request pass, or raise error 101, 100 or 104."""
    if params.get("appId") != world.app_id:
        raise RefusedError(101)
    _require_moment(world, params.get("timestamp", ""))
    _require_sign(sign_v3(params, world.app_secret), params)


def admit_v2(world: World, user_id: str, params: Mapping[str, str]) -> None:
    """Let a v2 request pass, or raise."""
    if user_id != world.user_id:
        raise RefusedError(102)
    _require_moment(world, params.get("ptime", ""))
    _require_sign(sign_v2(params, world.user_secret), params)


def _require_moment(world: World, text: str) -> None:
    in_time = text.isascii() and text.isdigit() and abs(int(text) - world.now() * 1000) <= TOLERANCE_MS
    if not in_time:
        raise RefusedError(100)


def _require_sign(right: str, params: Mapping[str, str]) -> None:
    if not hmac.compare_digest(right.encode(), params.get("sign", "").encode()):
        raise RefusedError(104)


class RateGuard:
    """Counts requests and shuts the only address there is out when they are too many."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._blocked_until = 0.0

    def is_blocked(self, limit: RateLimit | None) -> bool:
        """Count one request and tell whether it falls into a block."""
        now = time.monotonic()
        if limit is None or now < self._blocked_until:
            return limit is not None
        while self._recent and self._recent[0] <= now - limit.window:
            self._recent.popleft()
        self._recent.append(now)
        if len(self._recent) <= limit.requests:
            return False
        self._recent.clear()
        self._blocked_until = now + limit.block_seconds
        return True
