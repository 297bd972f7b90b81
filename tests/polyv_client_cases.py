"""What the tests of the API's client share: a client with short pauses, a server, and names."""

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from polyv_server import PolyvServer, answer

from fetcher.polyv.client import Patience, PolyvClient
from fetcher.polyv.clock import PolyvClock

SECRET: Final = "canary-secret-5f2d"
TASK: Final = "16661c08b9564c1ea6f4544ccd568e58"
VID: Final = "1b448be32370f4822ac40fd926112a66_1"
BUSY: Final = answer(b"<html>busy</html>", status=503)


def new_client(url: str, **values: Any) -> PolyvClient:
    """Return a client of *url* with *values* over impatient defaults."""
    defaults: dict[str, Any] = {
        "api_url": url,
        "app_id": "a0Wmol5EwX",
        "app_secret": SECRET,
        "clock": PolyvClock(time.time),
    }
    pauses = {name: values.pop(name) for name in set(values) & set(Patience.__slots__)}
    patience = Patience(**({"retry_first_s": 0.01, "timeout_s": 5} | pauses))
    return PolyvClient(**(defaults | values), patience=patience)


def answering() -> Any:
    """Return the fixture of a server that behaves."""

    @pytest.fixture
    def server() -> Iterator[PolyvServer]:
        with PolyvServer(secret=SECRET) as running:
            yield running

    return server
