import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from fetcher.cli.logs import set_up_logs, short_traceback
from fetcher.domain.masking import masked

_LINK = (
    "https://video-dl-2.videocc.net/1b/6/1b.mp4?auth_key=1694663401-3iwFnV2uJx-ac59aff03d-c71c8c4e01284d892c2dc9ad"
)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("httpx", "httpcore", "filelock", "asyncio", "fetcher.said"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def _logged(*, verbosity: int = 0, log_format: str = "text", **environ: str) -> str:
    """Return what is said on stderr for one record of each level, secrets in all of them."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told, redirect_stderr(told):
        set_up_logs(verbosity=verbosity, log_format=log_format, environ=environ, secrets=("s3cr3t",))
        logger = logging.getLogger("fetcher.test")
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logger.log(level, "level %d of %s with s3cr3t", level, _LINK)
        try:
            int(_LINK)
        except ValueError:
            logger.exception("it broke at sign=ABCDEF")
        logging.getLogger("httpx").info("HTTP Request: GET %s", _LINK)
        for handler in logging.getLogger().handlers:
            handler.flush()
        told.seek(0)
        return told.read()


def test_a_query_a_sign_and_the_secret_are_masked() -> None:
    text = masked(f"GET {_LINK} sign=0D2BDA2F&auth_key=1-2-3 s3cr3t", ("s3cr3t",))

    assert "GET https://video-dl-2.videocc.net/1b/6/1b.mp4?… sign=…&auth_key=… …" == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET https://cdn.x/it's.mp4?token=canary&x=1 200", "GET https://cdn.x/it's.mp4?… 200"),
        ("GET https://cdn.x/a.mp4?a='&Signature=canary", "GET https://cdn.x/a.mp4?…"),
        ('GET "https://cdn.x/a.mp4?token=canary".', 'GET "https://cdn.x/a.mp4?…".'),
        ("(see https://cdn.x/a.mp4?a=(canary), https://b?c)", "(see https://cdn.x/a.mp4?…), https://b?…)"),
        ("HTTPS://cdn/x?token=canary", "HTTPS://cdn/x?…"),
        ("https://cdn/x;auth_key=1-0-0-canary", "https://cdn/x;auth_key=…"),
        ("auth_key%3D1-canary", "auth_key%3D…"),
        ("to=https%3A%2F%2Fcdn%2Fa.mp4%3fAuth_Key%3d1-canary", "to=https%3A%2F%2Fcdn%2Fa.mp4%3fAuth_Key%3d…"),
        ("http://u:canary@proxy:80 says no", "http://…@proxy:80 says no"),
        ("socks5://canary@proxy", "socks5://…@proxy"),
        ("http://u:can/ary?canary@proxy:80/x", "http://…@proxy:80/x"),
        ("http://u:canary@canary@proxy", "http://…@proxy"),
        ("https://host:443/a@b.mp4", "https://…@b.mp4"),
        ("is it https://cdn.x/a?", "is it https://cdn.x/a?"),
        ("mail to a@b.example; designed=1 https://cdn.x/a", "mail to a@b.example; designed=1 https://cdn.x/a"),
    ],
)
def test_what_may_be_secret_is_masked_and_nothing_else(text: str, expected: str) -> None:
    """F91: however it is written."""
    assert expected == masked(text)


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("verbosity", [-1, 0, 1, 2])
def test_no_secret_passes_at_any_level_and_in_any_form(verbosity: int, log_format: str) -> None:
    told = _logged(verbosity=verbosity, log_format=log_format)

    assert told
    assert [] == [word for word in ("s3cr3t", "auth_key=1", "3iwFnV2uJx", "ABCDEF") if word in told]


@pytest.mark.parametrize(("verbosity", "levels"), [(-1, 1), (0, 2), (1, 3), (2, 4)])
def test_more_is_said_the_more_verbose(verbosity: int, levels: int) -> None:
    assert levels == _logged(verbosity=verbosity).count("level ")


def test_json_lines_can_be_read() -> None:
    lines = [json.loads(line) for line in _logged(log_format="json").splitlines()]

    assert ["WARNING", "ERROR", "ERROR"] == [line["levelname"] for line in lines]


def test_journald_gets_levels_and_no_time(tmp_path: Path) -> None:
    """Where stderr is what JOURNAL_STREAM names; all that a service or a desktop's terminal starts inherits it."""
    with (tmp_path / "journal").open("w+", encoding="utf-8") as journal, redirect_stderr(journal):
        found = os.fstat(journal.fileno())
        for stream in (f"{found.st_dev}:{found.st_ino}", "8:1", "nonsense"):
            set_up_logs(verbosity=0, log_format="text", environ={"JOURNAL_STREAM": stream})
            logging.getLogger("fetcher.test").warning("a warning")
            logging.getLogger().handlers[0].flush()

    told = (tmp_path / "journal").read_text()
    assert ["<4>a warning", "fetcher: a warning", "fetcher: a warning"] == told.splitlines()


def test_a_traceback_names_places_and_no_values() -> None:
    try:
        int(_LINK)
    except ValueError as exc:
        told = short_traceback(exc)

    assert "ValueError" in told
    assert "test_logs.py" in told
    assert "auth_key" not in told


def test_logging_without_stderr_does_not_break(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    set_up_logs(verbosity=0, log_format="text", environ={})
    logging.getLogger("fetcher.test").error("nobody hears this")
    logging.disable(logging.NOTSET)
