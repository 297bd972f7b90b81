"""Links that expire: how they are signed, and when the CDN takes them."""

import hmac
import random
import threading
from typing import Final, Literal

from fetcher.simulator.signature import auth_key

AuthTimestamp = Literal["issued", "expiry"]
_RAND_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PARTS: Final = 4


class Links:
    """Signs paths and judges what comes back. Thread-safe.

    Attributes:
        key: The CDN's secret.
        uid: The third part of every auth_key.
    """

    def __init__(self, *, key: str, seed: int = 0) -> None:
        self.key = key
        self.uid = "ac59aff03d"
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._issued_at: dict[str, float] = {}
        self._dead: set[str] = set()

    def sign(self, path: str, *, now: float, lifetime: float, timestamp: AuthTimestamp, dead: bool = False) -> str:
        """Return a fresh auth_key for a path.

        Args:
            path: Of the file.
            now: Unix seconds.
            lifetime: Seconds for which the CDN takes a link.
            timestamp: Whether the auth_key tells the moment of signing or that of expiry.
            dead: Whether the CDN is to call it expired from the start.
        """
        moment = int(now if timestamp == "issued" else now + lifetime)
        with self._lock:
            rand = "".join(self._random.choices(_RAND_DIGITS, k=10))
            key = auth_key(path, timestamp=moment, rand=rand, uid=self.uid, key=self.key)
            self._issued_at[key] = now
            if dead:
                self._dead.add(key)
        return key

    def refusal(self, path: str, key: str | None, *, now: float, lifetime: float) -> str | None:
        """Return why the CDN refuses a request, in the words of its header; None where it doesn't.

        Source: https://help.aliyun.com/zh/cdn/user-guide/type-a-signing
        """
        if not key:
            return "no url arg auth_key"
        if not self._is_genuine(path, key):
            return "invalid md5hash"
        with self._lock:
            issued_at = self._issued_at.get(key, float(key.partition("-")[0]))
            expired = key in self._dead or now > issued_at + lifetime
        return "expired timestamp" if expired else None

    def _is_genuine(self, path: str, key: str) -> bool:
        parts = key.split("-")
        if len(parts) != _PARTS or not (parts[0].isascii() and parts[0].isdigit()):
            return False
        right = auth_key(path, timestamp=int(parts[0]), rand=parts[1], uid=parts[2], key=self.key)
        return hmac.compare_digest(right.encode(), key.encode())
