"""The simulator as a server: what it records, how it stops, TLS, and as a command."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
import trustme
from simulator_client import CREATE, GET, SIZE, Client, add, whole

from fetcher.simulator.faults import Fault
from fetcher.simulator.server import Simulator
from fetcher.simulator.signature import sign_v3


def test_records_tell_what_was_asked_in_order(client: Client) -> None:
    video = add(client.simulator)
    task_id = client.submit(video.vid).json()["data"]["taskId"]
    client.fetch(client.rows(task_id)[0]["url"], Range="bytes=1-")

    records = list(client.simulator.requests)
    assert [("POST", CREATE), ("GET", GET), ("GET", video.path)] == [(r.method, r.path) for r in records]
    assert [task_id, task_id, None] == [r.task_id for r in records]
    assert (video.vid, 206, SIZE - 1) == (records[2].vid, records[2].status_code, records[2].bytes_sent)
    client.simulator.requests.clear()
    assert 0 == len(client.simulator.requests)


def test_stops_at_once_whoever_still_hangs_on_it() -> None:
    """It would wait for ten seconds for a thread of its own that does not end."""
    with httpx.Client(timeout=5, trust_env=False) as http, Simulator() as simulator:
        client = Client(simulator, http)
        links = [
            client.link(add(simulator, fault))
            for fault in (Fault.stall(after=10), Fault.latency(seconds=60), Fault.drip(rate=1))
        ]
        hung = [threading.Thread(target=_hang, args=(link,)) for link in links]
        for thread in hung:
            thread.start()
        idle = socket.create_connection(("127.0.0.1", httpx.URL(simulator.url).port or 0))
        time.sleep(0.3)
        stopping_at = time.monotonic()
    took = time.monotonic() - stopping_at
    for thread in hung:
        thread.join(5)
    idle.close()
    assert took < 5
    assert not any(thread.is_alive() for thread in hung)
    with pytest.raises(httpx.ConnectError):
        httpx.get(simulator.url, trust_env=False)


def _hang(link: str) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(link, timeout=30, trust_env=False)


def test_a_client_that_never_reads_does_not_hold_up_the_stop() -> None:
    with httpx.Client(timeout=5, trust_env=False) as http, Simulator() as simulator:
        video = simulator.library.add_video(size=1 << 30)
        path = Client(simulator, http).link(video).removeprefix(simulator.url)
        deaf = socket.create_connection(("127.0.0.1", httpx.URL(simulator.url).port or 0))
        deaf.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.3)
        stopping_at = time.monotonic()
    assert time.monotonic() - stopping_at < 5
    deaf.close()
    assert simulator.requests[-1].bytes_sent < 1 << 26


def test_a_failure_of_the_simulator_itself_is_loud() -> None:
    with pytest.raises(RuntimeError, match="itself failed"), Simulator() as simulator:
        simulator.failures.append(OSError("broken"))


def test_serves_tls_where_it_has_a_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)

    with (
        Simulator(ssl_certfile=str(certificate), ssl_keyfile=str(key)) as simulator,
        httpx.Client(verify=context, trust_env=False) as http,
    ):
        client = Client(simulator, http)
        cut = add(simulator, Fault.cut(after=70_000), Fault.cut(after=70_000, reset=True))
        video = add(simulator, Fault.truncated_no_length(after=70_000))
        got = [client.download(each) for each in (cut, cut, video)]
    assert simulator.url.startswith("https://127.0.0.1:")
    assert [True, True, False] == [each.error is not None for each in got]
    assert whole(video)[:70_000] == got[2].body


def test_runs_as_a_command_until_it_is_told_to_stop() -> None:
    """With a task of no more videos than Polyv takes, and what both accounts sign with."""
    command = [sys.executable, "-m", "fetcher.simulator", "--port", "0", "--videos", "101"]
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=root, env=os.environ | {"PYTHONPATH": root}
    ) as process:
        assert process.stdout
        told = dict(word.split("=", 1) for word in process.stdout.readline().split()[1:])
        params = {
            "appId": told["POLYV_APP_ID"],
            "timestamp": str(int(time.time() * 1000)),
            "taskId": told["TASK_ID"],
        }
        params["sign"] = sign_v3(params, told["POLYV_APP_SECRET"])
        rows = httpx.get(told["FETCHER_API_URL"] + GET, params=params, trust_env=False).json()["data"]
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(5)
    assert ["SUCCESS"] * 100 == [row["status"] for row in rows]
    assert {"POLYV_USER_ID", "POLYV_USER_SECRET"} < set(told)
