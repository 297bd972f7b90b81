"""What every benchmark of transfers needs: files, an origin that serves them, and one measured run."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.certificate import Certificate, make_certificate
from benchmarks.files import FileSet
from benchmarks.machine import file_system
from benchmarks.measure import Cost, measure
from benchmarks.origin_nginx import Origin, serving
from benchmarks.runner import Round, Runner, require_right
from benchmarks.shelf import Shelf
from fetcher.simulator.server import Simulator


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Files, an origin that serves them, and a simulator that names them."""

    shelf: Shelf
    origin: Origin
    certificate: Certificate
    scratch: Path


@contextmanager
def stocked(memory: Path, files: FileSet, *, limit_rate: int = 0, stalled: int | None = None) -> Iterator[Stock]:
    """Put *files* on a shelf in memory and serve them until the context ends.

    Args:
        memory: A directory on tmpfs, so that reading costs no disk.
        files: How many, how large.
        limit_rate: Bytes a second for each connection; 0 means as fast as it goes.
        stalled: The number (from 0) of a file that all but stops after its first 64 KiB.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", dir=memory) as scratch, Simulator() as simulator:
        place = Path(scratch)
        certificate = make_certificate(place)
        shelf = Shelf(simulator, files, place / "content")
        with serving(
            shelf.content,
            directory=place / "nginx",
            certificate=certificate,
            limit_rate=limit_rate,
            stalled=None if stalled is None else shelf.path(stalled),
        ) as origin:
            yield Stock(shelf=shelf, origin=origin, certificate=certificate, scratch=place)


@contextmanager
def round_in(stock: Stock, base: str, directory: Path) -> Iterator[Round]:
    """Yield a fresh place below *directory* for one run, and remove what it left there."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=directory) as target,
        tempfile.TemporaryDirectory(prefix="notes-", dir=stock.scratch) as notes,
    ):
        yield Round(
            files=stock.shelf.wanted(base),
            base=base,
            content=stock.shelf.content,
            authority=stock.certificate.authority,
            target=Path(target),
            notes=Path(notes),
        )


def run_once(stock: Stock, runner: Runner, base: str, directory: Path) -> Cost:
    """Measure one run that fetches all files from *base* to a fresh place below *directory*.

    Raises:
        WrongResultError: It did not leave the right files.
        CommandFailedError: It did not end well.
    """
    with round_in(stock, base, directory) as one:
        steps = runner.steps(one)
        if file_system(directory) != "tmpfs":
            os.sync()  # what others left to be written is not this run's
        ended = measure(steps, environ=runner.environ(one), directory=one.target)
        require_right(one, runner.told(one, ended.stdout))
        return ended.cost
