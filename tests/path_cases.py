"""All ways to an origin, as they are in earnest: straight, with TLS or without, or through the proxy that is set.

Straight is the bulk path, through a proxy is the ordinary one (httpx). Tests that take their server from here run
over all of them, in one configuration each that a user can have.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
from origin import OriginServer
from proxy import TunnelProxy
from transfer_cases import certificate, origin_here

from fetcher.transfer.origin import Origin

PATHS: Final = ("bulk", "secure", "ordinary")
"""Plain, over TLS, and over TLS through a proxy."""
FAR: Final = "cdn.example"
_CA: Final = trustme.CA()


class FarServer(OriginServer):
    """An origin that is reached by its name, through the proxy alone: no resolver knows it."""

    def url(self, path: str) -> str:
        """Return where *path* is."""
        return f"https://{FAR}{path}"


@contextmanager
def reached_by(path: str, directory: Path, environ: pytest.MonkeyPatch) -> Iterator[OriginServer]:
    """Yield a server that an Origin built from now on reaches by *path*, one of ``PATHS``."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        environ.delenv(name, raising=False)
        environ.delenv(name.upper(), raising=False)
    with ExitStack() as stack:
        if path == "bulk":
            yield stack.enter_context(OriginServer())
            return
        _CA.cert_pem.write_to_path(directory / "far.pem")
        environ.setenv("SSL_CERT_FILE", str(directory / "far.pem"))
        if path == "secure":
            yield stack.enter_context(OriginServer(tls=certificate(_CA)))
            return
        far = stack.enter_context(FarServer(tls=certificate(_CA, FAR)))
        proxy = stack.enter_context(TunnelProxy(far.port))
        environ.setenv("https_proxy", proxy.url)
        yield far
        assert {f"{FAR}:443"} >= set(proxy.asked)
        assert bool(far.requests) == bool(proxy.asked)


def serving_by_all(body: bytes) -> tuple[Any, Any]:
    """Return the fixtures of a server that has *body* at ``/a.mp4``, and of an origin that asks it."""

    @pytest.fixture(params=PATHS)
    def server(
        request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[OriginServer]:
        with reached_by(request.param, tmp_path, monkeypatch) as running:
            running.add("/a.mp4", body)
            yield running

    @pytest.fixture
    def origin(server: OriginServer) -> Iterator[Origin]:
        assert server
        with origin_here(read_timeout_s=1) as asked:
            yield asked

    return server, origin
