"""Names without an address, closed ports, false certificates, long pauses, a block: what a run makes of them."""

import datetime as dt
import json
import sqlite3
import ssl
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import trustme
from namespaces import needs_mounts, run_mounted
from origin import OriginServer
from origin_faults import bursts, cut, status
from polyv_client_cases import VID
from polyv_server import Reply, answer, envelope, refusal
from raw_case import BODY, KEY, PATH, SIZE, RawCase
from threaded_server import closed_port
from transfer_cases import certificate

_TEN_YEARS_S = 315_360_000
_AT_ONCE = 20
"""Questions to Polyv."""


def _vid(number: int) -> str:
    return f"{number:032x}_1"


def _rows(case: RawCase, *urls: str) -> list[dict[str, Any]]:
    return [case.row(vid=_vid(number), url=f"{url}?auth_key=1-{KEY}") for number, url in enumerate(urls)]


def test_f47_f48_lines_that_lead_nowhere_hold_up_no_other(raw: RawCase) -> None:
    """A name without an address, a closed port, and a sound link in one task: the sound one's file comes."""
    raw.polyv.data = _rows(
        raw, "https://nowhere.invalid/a.mp4", f"http://127.0.0.1:{closed_port()}/a.mp4", raw.origin.url(PATH)
    )

    ended = raw.pass_once(RES_OPTIONS="timeout:1 attempts:1")

    rows = raw.rows()
    assert 3 == ended.code
    assert ["ready", "ready", "done"] == [rows[_vid(number)]["status"] for number in range(3)]
    assert [2, 2] == [rows[_vid(number)]["attempts"] for number in range(2)]
    assert rows[_vid(0)]["detail"].startswith("no connection: ")
    assert "refused" in rows[_vid(1)]["detail"]
    assert BODY == (raw.root / f"{_vid(2)}.mp4").read_bytes()
    assert KEY not in ended.said


def test_f49_an_origin_that_cannot_prove_itself_brings_nothing(raw: RawCase, tmp_path: Path) -> None:
    """Expired, another name, an unknown authority, a protocol of old: told as such, and nothing is asked."""
    known, yesterday = trustme.CA(), dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    known.cert_pem.write_to_path(tmp_path / "ca.pem")
    expired = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    known.issue_cert("127.0.0.1", not_before=yesterday - dt.timedelta(days=9), not_after=yesterday).configure_cert(
        expired
    )
    old = certificate(known)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.deprecated_call():
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    contexts = [expired, certificate(known, "other.example"), certificate(trustme.CA()), old, certificate(known)]
    with ExitStack() as stack:
        origins = [stack.enter_context(OriginServer(tls=context)) for context in contexts]
        raw.polyv.data = _rows(raw, *(origin.add("/a.mp4", BODY) for origin in origins))

        ended = raw.pass_once(SSL_CERT_FILE=str(tmp_path / "ca.pem"))

        asked = [len(origin.requests) for origin in origins]
    rows = raw.rows()
    told = [rows[_vid(number)]["detail"] for number in range(4)]
    assert 3 == ended.code
    assert ["expired" in told[0], "127.0.0.1" in told[1], "self-signed" in told[2] or "issuer" in told[2]] == [
        True
    ] * 3
    assert "TLS" in told[3]
    assert ("done", [0, 0, 0, 0, 1]) == (rows[_vid(4)]["status"], asked)


def test_f49_an_api_that_cannot_prove_itself_is_asked_nothing(raw: RawCase) -> None:
    """Not tried a second time: it would be the same one. Not a signature is given away."""
    raw.polyv.tls = certificate(trustme.CA())

    ended = raw.pass_once(FETCHER_API_URL=raw.polyv.url)

    assert (3, 0, 1) == (ended.code, len(raw.polyv.requests), raw.polyv.connections)
    assert "the certificate of 127.0.0.1 is not accepted" in ended.told[0]


@needs_mounts
def test_f51_where_ipv6_leads_nowhere_ipv4_is_taken(raw: RawCase, tmp_path: Path) -> None:
    """A name with two addresses, in a namespace of its own: nobody listens on ::1."""
    hosts = tmp_path / "hosts"
    hosts.write_text("::1 localhost\n127.0.0.1 localhost\n")
    raw.polyv.data = lambda: [raw.row(url=raw.link().replace("127.0.0.1", "localhost"))]
    api_url = raw.polyv.url.replace("127.0.0.1", "localhost")

    ended = run_mounted(raw, f"mount --bind '{hosts}' /etc/hosts", "sync", FETCHER_API_URL=api_url)

    assert (0, "") == (ended.returncode, ended.stderr)
    assert raw.is_right()
    assert {f"localhost:{raw.origin.port}"} == {request.headers["host"] for request in raw.origin.requests}


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After": "3600"},
        {"Retry_After": str(_TEN_YEARS_S)},
        {"Retry_After": "Fri, 01 Jan 2100 00:00:00 GMT", "Date": "Thu, 31 Dec 2099 23:00:00 GMT"},
    ],
)
def test_f52_a_long_pause_is_left_to_a_later_run(raw: RawCase, headers: dict[str, str]) -> None:
    """The archive is not held for it, the origin is not asked before, and every run says why it ends with 3."""
    raw.origin.script(PATH, [status(503, b"", **headers)])
    began = time.time()

    first, second = raw.pass_once(), raw.pass_once()

    (due_at,) = (row["due_at"] for row in raw.rows().values())
    due_in_s = dt.datetime.fromisoformat(due_at).timestamp() - began
    assert (3, 3, 1) == (first.code, second.code, len(raw.origin.requests))
    assert ["the last one: the origin is busy (503)"] == [line.partition("; ")[2] for line in first.told]
    assert ["their origin asked for patience"] == [line.partition("; ")[2] for line in second.told]
    assert 3590 < due_in_s < 3700


@pytest.mark.parametrize("kind", ["resets", "says so"])
def test_f53_a_block_by_the_api_ends_the_questions_and_no_download(raw: RawCase, kind: str) -> None:
    """Of all but the first: those under way are the last, told once, and the running file comes."""
    others = [f"{number:032x}" for number in range(60)]
    assert 0 == raw.run("add", "-", stdin="\n".join(others)).returncode
    raw.origin.script(PATH, [bursts([SIZE // 3 + 1], pause_s=0.5)])
    busy = Reply(reset=True) if kind == "resets" else answer(refusal(10002, "qps exceeds number of calls"))
    raw.polyv.script.extend([answer(envelope([raw.row()])), *[busy] * 100])

    ended = raw.pass_once()

    assert (3, ("done", None)) == (ended.code, raw.standing())
    assert raw.is_right()
    assert 1 == sum("is left alone" in line for line in ended.told)
    about_tasks = [request for request in raw.polyv.requests if request.path.endswith("/source-file-task/get")]
    assert len(about_tasks) <= 1 + _AT_ONCE
    assert len(raw.polyv.requests) - len(about_tasks) <= 1  # About the size of the one that was answered.


def test_a_stop_counts_no_question_that_was_not_begun(raw: RawCase) -> None:
    """Polyv takes its time: twenty are under way when the time is up, and those that wait behind them are none."""
    others = [f"{number:032x}" for number in range(60)]
    assert 0 == raw.run("add", "-", stdin="\n".join(others)).returncode
    raw.polyv.script.extend([Reply(wait_s=30)] * 100)

    ended = raw.run("sync", "--json", "--max-duration", "3s")

    summary = json.loads(ended.stdout.splitlines()[-1])
    assert (8, "") == (ended.returncode, ended.stderr)
    assert len(raw.polyv.requests) <= summary["polls"] <= _AT_ONCE


def _lead_to(case: RawCase, url: str) -> None:
    """Have the link that the ledger knows lead to *url*: nobody listens any more where it led to."""
    with closing(sqlite3.connect(case.ledger)) as ledger, ledger:
        ledger.execute("UPDATE videos SET link = ?", [f"{url}?auth_key=1-{KEY}"])


@pytest.mark.parametrize("kind", ["502", "closed port", "hangs up"])
def test_f54_a_node_that_is_down_is_left_for_the_one_that_polyv_names_then(raw: RawCase, kind: str) -> None:
    """Two tries in vain, then one question; what had come of the file is gone on with elsewhere."""
    with OriginServer() as node:
        url = node.add(PATH, BODY, etag=raw.origin.files[PATH].etag)
        node.script(PATH, [cut(SIZE // 2), *[status(502) if kind == "502" else b""] * 20])
        raw.polyv.data = [raw.row(url=f"{url}?auth_key=1-{KEY}")]
        assert 3 == raw.pass_once(FETCHER_TRIES="1").code
        if kind == "closed port":
            url = f"http://127.0.0.1:{closed_port()}{PATH}"
            _lead_to(raw, url)
        raw.polyv.data = lambda: [raw.row()]
        asked = len(raw.polyv.requests), len(node.requests)

        ended = raw.pass_once(FETCHER_TRIES="3")

        assert (0, []) == (ended.code, ended.told)
        assert (1, 0 if kind == "closed port" else 2) == (
            len(raw.polyv.requests) - asked[0],
            len(node.requests) - asked[1],
        )
    assert [f"bytes={SIZE // 2}-"] == raw.origin.ranges
    assert raw.is_right()


def test_f54_where_all_nodes_are_down_polyv_is_asked_once_for_each_video_and_run(raw: RawCase) -> None:
    raw.origin.script(PATH, [status(503)] * 20)

    ended = raw.pass_once(FETCHER_TRIES="6", FETCHER_ASK_SIZES="false")

    assert (3, 6, 2) == (ended.code, len(raw.origin.requests), len(raw.polyv.requests))
    assert len({request.query for request in raw.origin.requests}) == 2, "the first link, and then the fresh one"


def test_f54_a_line_that_gives_some_bytes_each_time_is_no_node_that_is_down(raw: RawCase) -> None:
    raw.origin.script(PATH, [cut(SIZE // 10)] * 20)

    ended = raw.pass_once(FETCHER_TRIES="4", FETCHER_ASK_SIZES="false")

    assert (3, 4, 1) == (ended.code, len(raw.origin.requests), len(raw.polyv.requests))


@pytest.mark.parametrize("ahead_s", [600, -86_400])
def test_f67_a_clock_that_jumps_during_a_run_costs_a_question(raw: RawCase, ahead_s: float) -> None:
    """Polyv's against ours, which is the same as ours against Polyv's: told once, and the run goes on."""
    raw.polyv.data = lambda: [raw.row(status="INIT", url=None, successTime=None)]
    running = raw.start("sync", "--until-done")
    until = time.monotonic() + 30
    while not raw.polyv.requests:
        assert running.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)

    raw.polyv.ahead_s = ahead_s
    raw.polyv.data = lambda: [raw.row()]

    told = running.communicate(timeout=60)[1].decode()
    assert 0 == running.returncode, told
    assert raw.is_right()
    assert 1 == told.count("this machine's clock is")


def test_f40_f41_what_a_run_leaves_behind_is_told_where_its_link_may_die(raw: RawCase) -> None:
    """Two minutes to live, and the run's own limit is reached: exit code 5 before 8."""
    soon = int(time.time()) + 120
    raw.polyv.data = [raw.row(url=f"{raw.origin.url(PATH)}?auth_key={soon}-{KEY}-0-abcdef")]
    raw.origin.script(PATH, [status(503)] * 2)
    assert 3 == raw.pass_once().code

    ended = raw.sync("--max-duration", "0")

    assert 5 == ended.returncode
    assert "1 video is at risk" in ended.stderr
    assert [VID] == list(raw.rows("--at-risk"))
