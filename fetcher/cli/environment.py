"""What the environment says beside our settings: names that look like some, and how the network is to be used."""

from collections.abc import Mapping
from typing import Final

_PREFIX: Final = "FETCHER_"
_ARCHIVE: Final = "FETCHER_ARCHIVE"
_PROXIES: Final = ("http", "https", "all")
_PROXY_SETTINGS: Final = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})
_CERTIFICATE: Final = b"-----BEGIN "


def tell_unknown(environ: Mapping[str, str]) -> None:
    """Warn of each ``FETCHER_`` variable that nothing reads: a typo would else pass for the default."""
    odd = [name for name, value in environ.items() if name.startswith(_PREFIX) and name != _ARCHIVE and value]
    if not odd:  # As most often, from cron; the settings are then not loaded for this alone.
        return
    from fetcher.settings import VARIABLES

    known = {*VARIABLES, _ARCHIVE}
    for name in sorted(set(odd) - known):
        _tell(name, known)


def _tell(name: str, known: set[str]) -> None:
    import difflib
    import logging

    from fetcher.domain.identifiers import printable

    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    meant = f"; is {nearest[0]} meant?" if nearest else "; .fetcher/config.toml names all settings"
    logging.getLogger(__name__).warning("%s in the environment is no setting%s", printable(name, limit=60), meant)


def require_network_settings(environ: Mapping[str, str]) -> None:
    """See that certificates and proxies can be used, before anything is done with them.

    Of proxies httpx itself is asked, which takes a while to load, and only where one is set. Of certificates a look
    has to do, and at a directory of them that is none, over which httpx would not stumble, but every certificate be
    refused.

    Raises:
        UsageError: They cannot. The text names the variable, never its value: that may hold a password.

    Source: https://www.python-httpx.org/environment_variables/
    """
    if path := environ.get("SSL_CERT_FILE"):
        _require_certificates(path)
    elif paths := environ.get("SSL_CERT_DIR"):
        _require_directory(paths)
    if named := [name for name, value in environ.items() if value and name.lower() in _PROXY_SETTINGS]:
        _require_proxies(" and ".join(sorted(named)))


def _require_certificates(path: str) -> None:
    from pathlib import Path

    from fetcher.domain.errors import UsageError

    try:
        is_good = _CERTIFICATE in Path(path).read_bytes()
    except (OSError, ValueError) as exc:
        raise UsageError(f"SSL_CERT_FILE names a file that cannot be read ({type(exc).__name__})") from None
    if not is_good:
        raise UsageError("SSL_CERT_FILE names a file with no certificate in it")


def _require_directory(paths: str) -> None:
    """See that there is a directory among *paths*.

    Source: OpenSSL, SSL_CTX_load_verify_locations(3): a list, as PATH is one.
    """
    import os
    from pathlib import Path

    from fetcher.domain.errors import UsageError

    if not any(path and Path(path).is_dir() for path in paths.split(os.pathsep)):
        raise UsageError("SSL_CERT_DIR names no directory")


def _require_proxies(named: str) -> None:
    """Have httpx read its environment, whose rules are its own: the case of names, lists, what a host may be.

    Args:
        named: The variables that it may have stumbled over.
    """
    import ssl

    import httpx

    from fetcher.domain.errors import UsageError

    try:
        # Without certificates: they cost more than all else here, and nothing is asked.
        httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)).close()
        is_good = _have_hosts()
    except ImportError:
        raise UsageError(
            f"{named} names a SOCKS proxy, and the package socksio that httpx needs for it is missing"
        ) from None
    except (OSError, ValueError, httpx.InvalidURL):
        is_good = False
    # Out here: what httpx says of a proxy may hold its password.
    if not is_good:
        raise UsageError(
            f"{named} cannot be used: a proxy looks like http://host:port, and NO_PROXY is a list of hosts"
        )


def _have_hosts() -> bool:
    """Tell whether each proxy has a host; httpx asks one without, and fails."""
    import urllib.request

    import httpx

    proxies = urllib.request.getproxies()
    if "*" in {host.strip() for host in proxies.get("no", "").split(",")}:
        return True
    addresses = [proxies[scheme] for scheme in _PROXIES if scheme in proxies]
    return all(httpx.URL(address if "://" in address else f"http://{address}").host for address in addresses)
