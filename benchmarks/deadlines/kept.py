"""What was played is kept line by line: hours of it are not played again because the last of it was broken off."""

from pathlib import Path

import msgspec

from benchmarks.deadlines.library import Scenario
from benchmarks.deadlines.play import Played


def kept(path: Path) -> list[Played]:
    """Return what was played before; nothing where there is no such file."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Played) for line in path.read_bytes().splitlines()]


def keep(path: Path, played: Played) -> None:
    """Add what was played."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(played) + b"\n")


def is_of(scenario: Scenario, played: Played) -> bool:
    """Tell whether it is this very scenario's."""
    return msgspec.json.decode(msgspec.json.encode(scenario), type=Scenario) == played.scenario
