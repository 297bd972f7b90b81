"""For all tests: their order, which of them are measured, and lines for the end of the output."""

import signal
from collections.abc import Generator, Iterator

import hypothesis
import pytest

pytest.register_assert_rewrite("crash.lanes", "crash.small_library", "crash.runs")

# ruff: noqa: E402 - after their assertions were told to explain themselves, before anything imports them
from measuring import is_measured, nothing_measured
from telling import Tell

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

_TOLD = "told"
_LONGEST = (
    "tests/acceptance/test_whole_library.py",
    "tests/simulation/test_simulation_histories.py",
    "tests/simulation/test_simulation_deadlines.py",
    "tests/crash/test_upgrade.py",
    "tests/crash/test_kills.py",
)
"""How the names of those begin that take longest by far."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: the end of a run is not to wait for one test."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test and its fixtures, measured or not."""
    if is_measured(item):
        return (yield)
    with nothing_measured():
        return (yield)


@pytest.fixture(autouse=True, scope="session")
def _hang_ups_count() -> Iterator[None]:
    """Whoever ignores SIGHUP, as nohup does, hands that down to the commands that are tested."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Return what takes a line for the end of the output: how much was tried."""
    return lambda line: request.node.user_properties.append((_TOLD, line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was told. A report brings its test's properties along, out of another process too."""
    told = [
        f"{report.nodeid.rpartition('::')[2]}: {line}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "teardown"
        for name, line in report.user_properties
        if name == _TOLD
    ]
    if told:
        terminalreporter.section("how much was tried")
        for line in told:
            terminalreporter.write_line(line)
