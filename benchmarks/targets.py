"""What is aimed at, as ratios; pure."""

from dataclasses import dataclass
from typing import Final, Literal

Quantity = Literal["wall", "CPU"]
PEAK_MIB: Final = 90.0
"""Peak memory of a run with eight jobs, whatever the size of the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One ratio of fetcher to a peer that should not be exceeded."""

    files: frozenset[str]
    """Names of file sets."""
    peer: str
    quantity: Quantity
    most: float


_LARGE: Final = frozenset({"big", "medium"})
TARGETS: Final = (
    Target(files=_LARGE, peer="curl", quantity="wall", most=0.8),
    Target(files=_LARGE, peer="aria2c", quantity="wall", most=0.6),
    Target(files=_LARGE, peer="curl", quantity="CPU", most=1.15),
    Target(files=frozenset({"small"}), peer="aria2c", quantity="wall", most=2.5),
)


def verdict(*, files: str, peer: str, ratios: dict[Quantity, float]) -> str:
    """Say of each target for a file set and a peer whether the ratios meet it; empty where there is none."""
    return "; ".join(
        judged(target.quantity, ratios[target.quantity], target.most)
        for target in TARGETS
        if target.peer == peer and files in target.files
    )


def judged(what: str, figure: float, most: float) -> str:
    """Return a sentence such as ``wall ≤ 0.8: met``."""
    return f"{what} ≤ {most:g}: {'met' if figure <= most else '**missed**'}"
