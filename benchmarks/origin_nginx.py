"""An nginx of our own on loopback: what the videos come from."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.certificate import Certificate

PROGRAM: Final = "nginx"
_BACKLOG: Final = 511
_PATIENCE_S: Final = 10.0
_CONFIG: Final = """\
{user}
daemon off;
worker_processes 2;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type video/mp4;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 65s;
    keepalive_requests 100000;
    limit_rate {limit_rate};
    client_body_temp_path {directory}/client;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    ssl_certificate {server};
    ssl_certificate_key {server};
    ssl_protocols TLSv1.2 TLSv1.3;
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        root {content};
        {stalled}
    }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A running nginx."""

    http_port: int
    https_port: int

    def base(self, scheme: str) -> str:
        """Return scheme, host and port."""
        return f"{scheme}://127.0.0.1:{self.https_port if scheme == 'https' else self.http_port}"


def is_installed() -> bool:
    """Tell whether there is an nginx."""
    return _program() is not None


@contextmanager
def serving(
    content: Path, *, directory: Path, certificate: Certificate, limit_rate: int = 0, stalled: str | None = None
) -> Iterator[Origin]:
    """Serve *content* until the context ends.

    The listening sockets are made here and handed over, so that no port is guessed and nobody has to wait.

    Args:
        content: The directory that is served.
        directory: Where nginx may write; its own.
        certificate: For https.
        limit_rate: Bytes a second for each connection; 0 means as fast as it goes.
        stalled: A path whose file is sent at one byte a second after its first 64 KiB.

    Source: nginx reads inherited sockets from the variable ``NGINX`` (src/core/nginx.c, ngx_add_inherited_sockets).
    Source: https://nginx.org/en/docs/http/ngx_http_core_module.html#limit_rate
    """
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)) for _ in range(2)]
        for one in sockets:
            one.settimeout(0)  # nginx leaves what it inherits as it is, and would wait in accept
        http, https = (one.getsockname()[1] for one in sockets)
        config = directory / "nginx.conf"
        text = _CONFIG.format(
            user="user root;" if os.geteuid() == 0 else "",
            directory=directory,
            limit_rate=limit_rate,
            server=certificate.server,
            http=http,
            https=https,
            content=content,
            stalled=f"location = {stalled} {{ limit_rate_after 64k; limit_rate 1; }}" if stalled else "",
        )
        config.write_text(text, encoding="utf-8")
        process = _start(config, directory, sockets)
        stack.close()
        try:
            yield Origin(http_port=http, https_port=https)
        finally:
            died = process.poll()
            process.terminate()
            process.wait(_PATIENCE_S)
        if died is not None:
            raise RuntimeError(f"nginx ended by itself: {(directory / 'error.log').read_text()[-1000:]}")


def version() -> str:
    """Return nginx' own name and version."""
    told = subprocess.run([_program() or PROGRAM, "-v"], capture_output=True, text=True, check=True)
    return told.stderr.strip().removeprefix("nginx version: ").replace("/", " ")


def _start(config: Path, directory: Path, sockets: list[socket.socket]) -> subprocess.Popen[bytes]:
    handles = [one.fileno() for one in sockets]
    command = [_program() or PROGRAM, "-p", str(directory), "-e", str(directory / "error.log"), "-c", str(config)]
    inherited = "".join(f"{handle};" for handle in handles)
    environ = {"NGINX": inherited, "PATH": os.environ.get("PATH", os.defpath)}
    return subprocess.Popen(command, env=environ, pass_fds=handles, stdin=subprocess.DEVNULL)


def _program() -> str | None:
    return shutil.which(PROGRAM) or shutil.which(PROGRAM, path="/usr/sbin:/usr/local/sbin")
