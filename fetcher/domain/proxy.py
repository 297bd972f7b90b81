"""A proxy's name, fit for a message."""

from collections.abc import Mapping

from fetcher.domain.identifiers import printable


def named_proxy(proxies: Mapping[str, str], scheme: str) -> str:
    """Return the setting by which a proxy is asked, ``HTTPS_PROXY is host:port``; empty where none is.

    Args:
        proxies: Addresses by what goes through them, as `urllib.request.getproxies` gives them.
        scheme: Of what is asked for.
    """
    for name in (scheme, "all"):
        if proxy := proxies.get(name):
            # Up to the last @ it may be a password, even one that was not written as it has to be.
            return f"{name.upper()}_PROXY is {printable(proxy.rpartition('@')[2].rpartition('://')[2])}"
    return ""
