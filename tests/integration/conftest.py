"""Fixtures that several modules of tests share; one that needs more overrides them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from downloader_cases import Bench, bench_in
from ledger_cases import opened
from simulator_client import Client, client_of
from transfer_cases import PlainPart, Try, origin_here
from transport_cases import trusting

from fetcher.ledger.engine import Database
from fetcher.ledger.upgrade import create_ledger
from fetcher.simulator.server import Simulator
from fetcher.transfer.origin import Origin
from fetcher.transfer.transport import BulkTransport


@pytest.fixture
def transport() -> Iterator[BulkTransport]:
    with closing(BulkTransport(context=trusting(), connect_timeout_s=2, read_timeout_s=2)) as bulk:
        yield bulk


@pytest.fixture
def origin() -> Iterator[Origin]:
    with origin_here(read_timeout_s=1) as asked:
        yield asked


@pytest.fixture
def direct_origin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    """Yield an origin that no proxy of the environment stands before."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with origin_here(read_timeout_s=1) as asked:
        yield asked


@pytest.fixture
def tries(origin: Origin, tmp_path: Path) -> Try:
    return Try(origin, PlainPart(tmp_path / "a.part"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_in(tmp_path) as ready:
        yield ready


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path) as ledger:
        yield ledger


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    create_ledger(path)
    return path


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    with client_of(simulator) as asking:
        yield asking
