"""How a proxy is named."""

import pytest

from fetcher.domain.proxy import named_proxy


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [
        ({}, ""),
        ({"http": "http://h:1"}, ""),
        ({"https": "http://h:1", "all": "http://other:1"}, "HTTPS_PROXY is h:1"),
        ({"https": "", "all": "socks5://h:1"}, "ALL_PROXY is h:1"),
        ({"https": "h:1"}, "HTTPS_PROXY is h:1"),
        ({"https": "u:canary@h:1"}, "HTTPS_PROXY is h:1"),
        ({"https": "http://u:can@ary/@h:1\n"}, "HTTPS_PROXY is h:1\\u000a"),
    ],
)
def test_a_proxy_is_named_by_its_setting_and_without_its_password(proxies: dict[str, str], expected: str) -> None:
    """F50."""
    assert expected == named_proxy(proxies, "https")
