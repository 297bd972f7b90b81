"""What is to be measured, as the command line says it."""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

from benchmarks.files import SETS, FileSet
from fetcher.domain.quantities import parse_size

Scheme = Literal["https", "http"]
Place = Literal["tmpfs", "disk"]
PARTS: Final = ("transfer", "startup", "rate", "jobs", "polls", "profile")
PEER_NAMES: Final = ("curl", "curl-openssl", "aria2c", "rclone", "wget2", "cp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How the bytes come and where they go."""

    scheme: Scheme
    to: Place

    def __str__(self) -> str:
        return f"{self.scheme} to {self.to}"


LINES: Final = (
    Line(scheme="https", to="tmpfs"),
    Line(scheme="http", to="tmpfs"),
    Line(scheme="https", to="disk"),
)
"""What is measured where nothing else is said; http to disk would tell nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be measured.

    Attributes:
        parts: Names of benchmarks.
        reps: Repetitions of ``transfer`` and ``jobs``; ``startup`` runs eight times for each.
        files: Sets of files.
        lines: Schemes and places.
        peers: Keys of the programs to compare with.
        memory: A directory on tmpfs.
        disk: A directory on a disk.
        seconds: How long a limited rate is watched.
        tasks: How many tasks are due at once.
        write: The document that takes the figures; None prints them.
    """

    parts: Sequence[str]
    reps: int
    files: Sequence[FileSet]
    lines: Sequence[Line]
    peers: Sequence[str]
    memory: Path
    disk: Path
    seconds: float
    tasks: int
    write: Path | None


def plan_from(arguments: Sequence[str]) -> Plan:
    """Read a command line; where it is wrong, say so and exit with 2."""
    parser = _parser()
    given = parser.parse_args(arguments)
    sets = {name: SETS[name] for name in given.only}
    try:
        sets |= dict(_resized(text) for text in given.size if text.partition("=")[0] in sets)
    except (ValueError, KeyError) as exc:
        parser.error(f"--size: {exc}; write small=20x64K")
    return Plan(
        parts=given.parts or PARTS,
        reps=given.reps,
        files=list(sets.values()),
        lines=_lines(given.scheme, given.to),
        peers=given.peers,
        memory=given.memory,
        disk=given.disk,
        seconds=given.seconds,
        tasks=given.tasks,
        write=given.write,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure fetcher beside its peers.")
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], help=f"{', '.join(PARTS)}; all")
    parser.add_argument(
        "--reps", type=_positive, default=5, help="repetitions of transfer and jobs; startup: 8 runs for each (5)"
    )
    parser.add_argument("--only", type=_Words(tuple(SETS)), default=tuple(SETS), help="sets: big,medium,small")
    parser.add_argument("--size", action="append", default=[], help="another size of a set: small=20x64K")
    parser.add_argument("--scheme", type=_Words(get_args(Scheme)), help="https,http (all, http to tmpfs only)")
    parser.add_argument("--to", type=_Words(get_args(Place)), help="tmpfs,disk (all, see --scheme)")
    parser.add_argument(
        "--peers", type=_Words(PEER_NAMES), default=PEER_NAMES, help=f"{','.join(PEER_NAMES)} (all)"
    )
    parser.add_argument("--memory", type=Path, default=Path("/dev/shm"), help="a directory on tmpfs (/dev/shm)")
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()), help="a directory on a disk")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long a limited rate is watched (30)")
    parser.add_argument("--tasks", type=_positive, default=10_000, help="tasks that are due at once (10000)")
    parser.add_argument("--write", type=Path, help="put the figures into this document: docs/benchmarks.md")
    return parser


def _lines(schemes: Sequence[Scheme] | None, places: Sequence[Place] | None) -> Sequence[Line]:
    if schemes is None and places is None:
        return LINES
    every = [
        Line(scheme=scheme, to=to) for to in places or get_args(Place) for scheme in schemes or get_args(Scheme)
    ]
    return [line for line in every if line in LINES or (schemes is not None and places is not None)]


class _Words:
    """Reads words with commas between, all of them known."""

    def __init__(self, known: Sequence[str]) -> None:
        self._known = known

    def __call__(self, text: str) -> list[str]:
        words = [word for word in text.split(",") if word]
        unknown = set(words) - set(self._known)
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: known are {', '.join(self._known)}")
        return words


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: at least 1")
    return number


def _resized(text: str) -> tuple[str, FileSet]:
    name, _, shape = text.partition("=")
    count, _, size = shape.partition("x")
    return name, replace(SETS[name], count=int(count), size=parse_size(size))
