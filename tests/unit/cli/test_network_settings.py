"""Which network settings can be used: as httpx reads them, which is asked itself."""

import os
from pathlib import Path

import pytest

from fetcher.cli.environment import require_network_settings
from fetcher.domain.errors import UsageError

_GOOD = "http://u:pass-canary@127.0.0.1:9"


@pytest.fixture(autouse=True)
def _clear(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("SSL_CERT_"):
            monkeypatch.delenv(name)


def _require(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    require_network_settings(os.environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Https_Proxy", "foo://u:pass-canary@h"),
        ("HTTPS_PROXY", f"{_GOOD}\n"),
        ("HTTPS_PROXY", f" {_GOOD}"),
        ("HTTP_PROXY", "http://u:pass-canary@h\n:9"),
        ("HTTPS_PROXY", "http://u:pass-canary@-ü..x:9"),
        ("all_proxy", "http://u:pass-\tcanary@h"),
        ("HTTPS_PROXY", "http://[v1.x]:9"),
        ("HTTPS_PROXY", "//"),
        ("NO_PROXY", "exa\tmple"),
        ("NO_PROXY", "fd00::/8"),
    ],
)
def test_what_httpx_cannot_read_is_refused_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """F50: before the run begins."""
    with pytest.raises(UsageError) as refused:
        _require(monkeypatch, {name: value})

    assert str(refused.value).startswith(f"{name} cannot be used")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "environ",
    [
        {"https_proxy": "", "HTTPS_PROXY": "socks5://h:1"},
        {"https_proxy": _GOOD, "HTTPS_PROXY": "foo://h"},
        {"HTTPS_PROXY": "HTTP://127.0.0.1:9"},
        {"HTTPS_PROXY": "u:pass-canary@h:9", "NO_PROXY": "a.b, .c,10.0.0.0/8,::1"},
        {"HTTPS_PROXY": "gopher://h", "NO_PROXY": "a.b,*"},
        {"HTTPS_PROXY": "http://", "no_proxy": "*"},
        {"TRAVIS_APT_PROXY": "foo://h"},
    ],
)
def test_what_httpx_takes_is_taken(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    """F50: lower case comes first, and switches off where it is empty."""
    _require(monkeypatch, environ)


def test_of_two_lists_of_exceptions_the_lower_case_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """F50: ``NO_PROXY=*`` is not looked at then, and the proxy is."""
    with pytest.raises(UsageError, match=r"^HTTPS_PROXY and NO_PROXY and no_proxy cannot be used"):
        _require(monkeypatch, {"no_proxy": "a.b", "NO_PROXY": "*", "HTTPS_PROXY": "foo://h:1"})


def test_directories_of_certificates_are_a_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _require(monkeypatch, {"SSL_CERT_DIR": f"/nowhere:{tmp_path}:"})

    with pytest.raises(UsageError, match="SSL_CERT_DIR"):
        _require(monkeypatch, {"SSL_CERT_DIR": "/nowhere::/etc/passwd"})
