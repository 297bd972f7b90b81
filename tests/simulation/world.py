"""Everything of one history that no process takes with it when it dies."""

import random
from typing import Any

from simulation.cdn import SimulatedCdn
from simulation.clock import Clock
from simulation.library import make_library
from simulation.polyv import Polyv
from simulation.weather import Weather


class World:
    """Made of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(f"history {seed}")
        self.clock = Clock()
        self.weather = Weather(self.rng)
        self.library = make_library(self.rng, random.Random(f"wanted {seed}"))
        self.polyv = Polyv(self.library, self.clock, self.weather, self.rng)
        self.cdn = SimulatedCdn(self.library, self.clock, self.weather, self.rng)
        self.trace: list[tuple[Any, ...]] = []
        """What happened, with its virtual moment in seconds."""

    def note(self, *what: Any) -> None:
        """Keep what happens now."""
        self.trace.append((round(self.clock.now_s, 6), *what))
