"""Medians and ratios of what was measured; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The middle and the two ends of some figures."""

    middle: float
    """The median."""
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Self:
        """Return the spread of at least one figure."""
        return cls(middle=median(figures), least=min(figures), most=max(figures))

    def __format__(self, spec: str) -> str:
        return f"{self.middle:{spec}} ({self.least:{spec}}–{self.most:{spec}})"


def pairwise(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return ours ÷ theirs, repetition by repetition.

    What a neighbour on the machine takes away from one repetition is taken from both; so the ratios stand stiller
    than the figures.
    """
    return Spread.of([our / their for our, their in zip(ours, theirs, strict=True)])
