"""Who asks Polyv, and how that is proven: by signatures, never by sending a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fetcher.polyv.signature import sign, sign_v2


@dataclass(frozen=True, slots=True, kw_only=True)
class MainAccount:
    """Who may ask what a sub-account may not: the account itself."""

    user_id: str
    """Letters and digits: it becomes part of an address."""
    secret: str = field(repr=False)
    """Signs and is never sent."""

    def signed(self, params: Mapping[str, str], *, now_ms: int) -> dict[str, str]:
        """Return what is sent in a v2 call at *now_ms*."""
        unsigned = {"ptime": str(now_ms), **params}
        return {**unsigned, "sign": sign_v2(unsigned, self.secret)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubAccount:
    """Who asks everything else."""

    app_id: str
    secret: str = field(repr=False)
    """Signs and is never sent."""

    def signed(self, params: Mapping[str, str], *, now_ms: int) -> dict[str, str]:
        """Return what is sent in a v3 call at *now_ms*."""
        unsigned = {"appId": self.app_id, "timestamp": str(now_ms), **params}
        return {**unsigned, "sign": sign(unsigned, self.secret)}
