"""Lines that tests have for the end of the output, from whichever process they ran in."""

import pytest
from telling import Tell

_TOLD = "told"


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
