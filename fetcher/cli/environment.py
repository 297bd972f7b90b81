"""What the environment says beside our settings: names that look like some, and how the network is to be used."""

from collections.abc import Mapping
from typing import Final

_PREFIX: Final = "FETCHER_"
_ARCHIVE: Final = "FETCHER_ARCHIVE"
_PROXIES: Final = ("https_proxy", "http_proxy", "all_proxy")
_SOCKS: Final = ("socks5", "socks5h")
_SCHEMES: Final = ("http", "https", *_SOCKS)
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

    What is checked is what httpx would stumble over at the first question, and a directory of certificates that is
    none, over which it would not stumble, but every certificate be refused.

    Raises:
        UsageError: They cannot. The text names the variable, never its value: that may hold a password.

    Source: https://www.python-httpx.org/environment_variables/
    """
    if path := environ.get("SSL_CERT_FILE"):
        _require_certificates(path)
    elif path := environ.get("SSL_CERT_DIR"):
        _require_directory(path)
    without = {host.strip() for name in ("no_proxy", "NO_PROXY") for host in environ.get(name, "").split(",")}
    if "*" not in without:
        for name in _PROXIES:
            for spelt in (name, name.upper()):
                if proxy := environ.get(spelt):
                    _require_proxy(spelt, proxy)


def _require_certificates(path: str) -> None:
    from pathlib import Path

    from fetcher.domain.errors import UsageError

    try:
        is_good = _CERTIFICATE in Path(path).read_bytes()
    except (OSError, ValueError) as exc:
        raise UsageError(f"SSL_CERT_FILE names a file that cannot be read ({type(exc).__name__})") from None
    if not is_good:
        raise UsageError("SSL_CERT_FILE names a file with no certificate in it")


def _require_directory(path: str) -> None:
    from pathlib import Path

    from fetcher.domain.errors import UsageError

    if not Path(path).is_dir():
        raise UsageError("SSL_CERT_DIR names no directory")


def _require_proxy(name: str, proxy: str) -> None:
    import importlib.util
    from urllib.parse import urlsplit

    from fetcher.domain.errors import UsageError

    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.scheme not in _SCHEMES:
        raise UsageError(f"{name} is no proxy's address; it has to look like http://host:port")
    if parts.scheme in _SOCKS and importlib.util.find_spec("socksio") is None:
        raise UsageError(f"{name} names a SOCKS proxy, and the package socksio that httpx needs for it is missing")
