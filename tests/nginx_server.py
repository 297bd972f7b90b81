"""A real nginx on loopback, with limits of its own."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

NGINX: Final = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

needs_nginx: Final = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: nginx-light)")

_CONFIG: Final = """
daemon off;
worker_processes 1;
{user}
pid {place}/nginx.pid;
error_log {place}/error.log info;
events {{ worker_connections 256; }}
http {{
    log_format lines '$status $body_bytes_sent $http_range';
    access_log {place}/lines.log lines;
    client_body_temp_path {place}/client;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    default_type video/mp4;
    limit_conn_zone $server_port zone=lines:1m;
    server {{
        listen 127.0.0.1:{port};
        root {place}/files;
        {limits}
    }}
}}
"""


class Nginx:
    """Serves what is added, over http."""

    def __init__(self, place: Path, port: int) -> None:
        self._place = place
        self._port = port

    def add(self, name: str, body: bytes) -> str:
        """Serve *body* under *name*, return its URL."""
        (self._place / "files" / name).write_bytes(body)
        return f"http://127.0.0.1:{self._port}/{name}"

    @property
    def answers(self) -> list[str]:
        """Status, bytes and range of every answer that has ended, in order."""
        return (self._place / "lines.log").read_text().splitlines()

    @property
    def errors(self) -> str:
        """What it complained of."""
        return (self._place / "error.log").read_text()


@contextmanager
def nginx_in(place: Path, limits: str) -> Iterator[Nginx]:
    """Yield an nginx whose server block says *limits* too.

    The socket is opened here and handed down, so that no port is guessed and no start is waited for.

    Source: nginx inherits what stands in the variable NGINX, as it does when its binary is replaced.
    """
    assert NGINX is not None
    (place / "files").mkdir(parents=True)
    user = "user root;" if os.geteuid() == 0 else ""  # Anybody else could not read what a test keeps for itself.
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        port = listening.getsockname()[1]
        (place / "nginx.conf").write_text(_CONFIG.format(place=place, port=port, limits=limits, user=user))
        process = subprocess.Popen(
            [NGINX, "-p", str(place), "-c", str(place / "nginx.conf"), "-e", str(place / "error.log")],
            env={**os.environ, "NGINX": f"{listening.fileno()};"},
            pass_fds=[listening.fileno()],
            stdin=subprocess.DEVNULL,
        )
    try:
        yield Nginx(place, port)
    finally:
        process.terminate()
        process.wait(10)
