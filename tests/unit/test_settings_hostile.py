"""Whatever stands in the configuration or the environment: settings to work with, or one clear refusal."""

import contextlib
import math
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetcher.archive.home import Home
from fetcher.credentials import load_credentials
from fetcher.domain.errors import UsageError
from fetcher.settings import VARIABLES, Settings, load_settings

_NAMES = st.sampled_from(Settings.__struct_fields__)
_HOSTILE = st.sampled_from(
    [
        "nan",
        "inf",
        "-inf",
        "1e400",
        "0x10",
        "9" * 400,
        '"\\u0000"',
        '"' + "x" * 5000 + '"',
        '"{vid.__class__}"',
        '"{vid!r}{ext:>1000000000}"',
        '"https://[::1"',
        '"https://\\u0000"',
        '"1e9G"',
        "[[]]",
        "{a = 1}",
        "1979-05-27",
        "true",
        '""',
        "'''\n'''",
    ]
)
_VALUES = (
    _HOSTILE
    | st.integers().map(str)
    | st.floats().map(str)
    | st.text(string.printable, max_size=40).map(repr)
    | st.text(max_size=20)
)
_CONFIGS = st.lists(st.tuples(_NAMES | st.text(max_size=10), _VALUES), max_size=4).map(
    lambda lines: "\n".join(f"{name} = {value}" for name, value in lines).encode("utf-8", "replace")
) | st.binary(max_size=300)
_TEXTS = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), max_size=60)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("archive"))
    made.dot.mkdir()
    return made


def _use(home: Home, found: Settings) -> None:
    """Do with settings what a run does before it asks for anything."""
    assert 0 < found.stall_seconds < math.inf
    assert 0 < found.give_up_after < math.inf
    assert 0 <= found.reserve
    assert found.bytes_per_s is None or found.bytes_per_s > 0
    with contextlib.suppress(OSError):  # As a name that is too long; told when the ledger is opened.
        found.ledger_path(home).stat()
    assert found.is_api_here in {True, False}
    with contextlib.suppress(UsageError):
        load_credentials(found, {"POLYV_APP_ID": "me"})


@given(config=_CONFIGS)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_configuration_is_used_or_refused(home: Home, config: bytes) -> None:
    """F101: no other error, whatever the file holds."""
    home.config.write_bytes(config)

    with contextlib.suppress(UsageError):
        _use(home, load_settings(home, {}, {}))


@given(environ=st.dictionaries(st.sampled_from(list(VARIABLES)), _TEXTS | _HOSTILE, max_size=4))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_environment_is_used_or_refused(home: Home, environ: dict[str, str]) -> None:
    """F101: as above, from the other side."""
    home.config.unlink(missing_ok=True)

    with contextlib.suppress(UsageError):
        _use(home, load_settings(home, environ, {}))


@pytest.mark.parametrize(
    "config",
    [
        b"jobs = " + b"9" * 5000,
        b"jobs = " + b"[" * 60_000,
        b"jobs = 3" + b"\n" * 70_000,
        b'ledger = "a\\u0000b"',
        b'app_secret_file = "a\\u0000b"',
        b"stall_seconds = nan",
        b"give_up_after = inf",
        b"give_up_after = nan",
        b"\xff\xfe\x00",
    ],
    ids=["5000 digits", "brackets", "too long", "NUL path", "NUL secret", "nan", "inf", "nan pause", "UTF-16"],
)
def test_a_configuration_that_breaks_its_reader_is_refused(home: Home, config: bytes) -> None:
    """F95, F101: too deep, too long, or no number to count with."""
    home.config.write_bytes(config)

    with pytest.raises(UsageError):
        load_credentials(load_settings(home, {}, {}), {"POLYV_APP_ID": "me"})


def test_a_byte_order_mark_does_not_matter(home: Home) -> None:
    """Some editors put one before everything."""
    home.config.write_bytes(b"\xef\xbb\xbfjobs = 3\n")

    assert 3 == load_settings(home, {}, {}).jobs


def test_a_configuration_that_never_ends_is_not_read_to_its_end(tmp_path: Path) -> None:
    """F95: a link to a device, or a log that was put in its place."""
    home = Home(tmp_path)
    home.dot.mkdir()
    home.config.symlink_to("/dev/zero")

    with pytest.raises(UsageError, match=r"config\.toml"):
        load_settings(home, {}, {})
