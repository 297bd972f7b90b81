"""What goes wrong, how often, and what did."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

_SHARES: Final = (0.0, 0.0, 0.0, 0.0, 0.02, 0.06, 0.15, 0.4)
"""Of all occasions, how many a kind of trouble takes in one history; half of the kinds take none."""
_SHARES_OF_BODIES: Final = (0.0, 0.0, 0.05, 0.15, 0.4)
"""The same of troubles that few requests get so far as to meet."""
_WELL: Final[Sequence[tuple[str, ...]]] = ((), (), ("api: ", "row: "), ("origin: ",))
"""What there is no trouble with in one history: where everything fails at once, nothing gets far."""


class Weather:
    """Strikes by chance until it is calm.

    Args:
        rng: The history's.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._well = rng.choice(_WELL)
        self._shares: dict[str, float] = {}
        self.is_calm = False
        self.struck: Counter[str] = Counter()
        """How often each kind struck."""
        self.deeds: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """The same by vid; those that concern no single video are under ''."""

    def strikes(self, kind: str, vid: str = "") -> bool:
        """Tell whether *kind* of trouble comes now."""
        if self.is_calm:
            return False
        if kind not in self._shares:
            shares = _SHARES_OF_BODIES if kind.startswith(("body: ", "range: ")) else _SHARES
            self._shares[kind] = 0.0 if kind.startswith(self._well) else self._rng.choice(shares)
        if self._rng.random() >= self._shares[kind]:
            return False
        self.note(kind, vid)
        return True

    def one_of(self, kinds: Sequence[str], vid: str = "") -> str:
        """Return the first of *kinds* that comes now, '' where none does."""
        return next((kind for kind in kinds if self.strikes(kind, vid)), "")

    def note(self, kind: str, vid: str = "") -> None:
        """Count what happened by itself."""
        self.struck[kind] += 1
        self.deeds[vid][kind] += 1

    def did(self, vid: str, *kinds: str) -> int:
        """Return how often one of *kinds* has struck *vid*, or everybody."""
        return sum(self.deeds[one][kind] for one in {vid, ""} for kind in kinds)
