"""The simulator's CDN out of order: each fault that a test can name does what its name says."""

import gzip
import threading
import time

import httpx
import pytest
from simulator_client import SIZE, Client, add, whole

from fetcher.simulator.faults import Fault


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_closes_in_the_middle_as_often_as_told(client: Client, *, reset: bool) -> None:
    video = add(client.simulator, Fault.cut(after=70_000, times=2, reset=reset))
    got = [client.download(video) for _ in range(3)]
    errors = {httpx.RemoteProtocolError, httpx.ReadError}
    assert [True, True, False] == [each.error in errors for each in got]
    if not reset:
        assert [70_000, 70_000, SIZE] == [len(each.body) for each in got]
    assert [str(SIZE)] * 3 == [each.headers["Content-Length"] for each in got]


def test_a_resume_after_a_cut_sends_the_rest_only(client: Client) -> None:
    video = add(client.simulator, Fault.cut(after=70_000))
    first = client.download(video)
    rest = client.download(video, Range="bytes=70000-", If_Range=first.headers["ETag"])

    assert whole(video) == first.body + rest.body
    records = client.simulator.requests.of(video.vid)
    assert [(None, 70_000), ("bytes=70000-", 130_000)] == [(r.range, r.bytes_sent) for r in records]


def test_a_cut_waits_for_a_body_long_enough(client: Client) -> None:
    video = add(client.simulator, Fault.cut(after=70_000))
    assert client.download(video, Range="bytes=0-9").error is None
    assert client.download(video).error is not None


def test_a_stall_sends_no_more_and_holds_the_connection(client: Client) -> None:
    video = add(client.simulator, Fault.stall(after=70_000))
    link = client.link(video)
    client.http.timeout = httpx.Timeout(1.5)
    got = client.fetch(link)
    client.http.timeout = httpx.Timeout(30)
    assert (70_000, httpx.ReadTimeout) == (len(got.body), got.error)
    assert whole(video) == client.fetch(link).body


def test_a_drip_keeps_its_rate(client: Client) -> None:
    video = client.simulator.library.add_video(size=50_000, faults=[Fault.drip(rate=100_000)])
    started = time.monotonic()
    got = client.download(video)
    assert 50_000 == len(got.body)
    assert 0.4 < time.monotonic() - started < 20


def test_refusals_carry_their_retry_after_and_end(client: Client) -> None:
    video = add(client.simulator, Fault.refuse(retry_after="7"), Fault.refuse(), Fault.refuse(status_code=429))
    got = [client.download(video) for _ in range(4)]
    assert [503, 503, 429, 200] == [each.status_code for each in got]
    assert ["7", None] == [each.headers.get("Retry-After") for each in got[:2]]


def test_the_first_link_may_be_dead_at_birth(client: Client) -> None:
    video = add(client.simulator, Fault.expired())
    got = [client.download(video) for _ in range(2)]
    assert [403, 200] == [each.status_code for each in got]
    assert got[0].headers["X-Tengine-Error"].endswith("expired timestamp")


def test_a_dead_link_stays_dead_where_links_are_frozen(client: Client) -> None:
    client.simulator.links = "frozen"
    task_id = client.simulator.library.create_task([add(client.simulator, Fault.expired()).vid])
    got = [client.fetch(client.rows(task_id)[0]["url"]) for _ in range(2)]
    assert [403, 403] == [each.status_code for each in got]


def test_an_acl_is_named_and_a_lost_file_is_gone(client: Client) -> None:
    denied = client.download(add(client.simulator, Fault.denied(acl="IP ACL")))
    assert (403, "denied by IP ACL") == (denied.status_code, denied.headers["X-Tengine-Error"])
    assert 404 == client.download(add(client.simulator, Fault.gone())).status_code
    assert 410 == client.download(add(client.simulator, Fault.gone(status_code=410))).status_code


def test_a_body_may_be_compressed_though_identity_was_asked(client: Client) -> None:
    video = add(client.simulator, Fault.gzip())
    got = client.download(video)
    assert "gzip" == got.headers["Content-Encoding"]
    assert whole(video) == gzip.decompress(got.body)


def test_a_captive_portal_answers_a_page_with_200(client: Client) -> None:
    video = add(client.simulator, Fault.html())
    got = client.download(video, Range="bytes=5-")
    assert (200, "text/html") == (got.status_code, got.headers["Content-Type"])
    assert got.body.startswith(b"<!DOCTYPE html>")
    assert whole(video) == client.download(video).body


def test_a_body_without_length_may_be_cut_and_look_complete(client: Client) -> None:
    video = add(client.simulator, Fault.truncated_no_length(after=70_000))
    got = client.download(video)
    assert (70_000, None) == (len(got.body), got.error)
    assert "Content-Length" not in got.headers
    assert whole(video) == client.download(video).body


def test_a_bit_may_flip_once_where_told(client: Client) -> None:
    video = add(client.simulator, Fault.bit_flip(at=150_000))
    assert video.read(0, 10) == client.download(video, Range="bytes=0-9").body
    first, second = client.download(video).body, client.download(video).body
    wrong = [at for at, byte in enumerate(whole(video)) if byte != first[at]]
    assert [150_000] == wrong
    assert whole(video) == second


def test_a_redirect_leads_to_a_second_path(client: Client) -> None:
    video = add(client.simulator, Fault.redirect(to="/mirror"))
    first = client.download(video)
    target = first.headers["Location"]
    assert (302, True) == (first.status_code, target.startswith(f"/mirror{video.path}?auth_key="))
    assert whole(video) == client.fetch(client.simulator.url + target).body


def test_a_redirect_may_loop_or_leave_the_house(client: Client) -> None:
    looping = add(client.simulator, Fault.redirect(to=None))
    client.http.follow_redirects = True
    with pytest.raises(httpx.TooManyRedirects):
        client.download(looping)
    client.http.follow_redirects = False
    leaving = add(client.simulator, Fault.redirect(to="http://169.254.169.254/latest"))
    assert "http://169.254.169.254/latest" == client.download(leaving).headers["Location"]


def test_latency_comes_before_the_answer(client: Client) -> None:
    video = add(client.simulator, Fault.latency(seconds=0.3, times=1))
    started = time.monotonic()
    assert whole(video) == client.download(video).body
    assert time.monotonic() - started >= 0.3


def test_counted_faults_are_used_up_exactly_by_clients_at_once(client: Client) -> None:
    video = add(client.simulator, Fault.refuse(times=5))
    links = [client.link(video) for _ in range(12)]
    seen: list[int] = []
    threads = [
        threading.Thread(target=lambda link=link: seen.append(httpx.get(link, trust_env=False).status_code))
        for link in links
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {503: 5, 200: 7} == {status: seen.count(status) for status in set(seen)}
