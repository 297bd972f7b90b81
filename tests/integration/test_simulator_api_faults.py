"""The simulator's API out of order: each fault that a test can name does what its name says."""

import time
from typing import Any

import httpx
import pytest
from simulator_client import CREATE, GET, LIST, Client, add, whole

from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.world import RateLimit


def test_the_api_answers_pages_500_and_nothing_by_name_then_behaves(client: Client) -> None:
    for fault in (ApiFault.html(), ApiFault.http_500(), ApiFault.empty(), ApiFault.truncated_json()):
        client.simulator.api_faults.append(fault)
    html, broken, empty, truncated, sound = (client.ask(LIST) for _ in range(5))

    assert (200, "text/html") == (html.status_code, html.headers["Content-Type"].partition(";")[0])
    assert 500 == broken.status_code
    assert (200, b"") == (empty.status_code, empty.content)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        truncated.json()
    assert 200 == sound.json()["code"]


def test_the_api_answers_null_and_any_error_by_name(client: Client) -> None:
    client.simulator.api_faults.append(ApiFault.null_data())
    client.simulator.api_faults.append(ApiFault.error(105))
    refused, null = client.ask(LIST).json(), client.ask(LIST).json()
    assert (403, "permission limited") == (refused["code"], refused["error"]["desc"])
    assert (200, None) == (null["code"], null["data"])


def test_a_reset_loses_the_id_of_a_task_that_exists(client: Client) -> None:
    client.simulator.api_faults.append(ApiFault.reset(path=CREATE))
    video = add(client.simulator)
    assert 200 == client.ask(LIST).status_code
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.submit(video.vid)
    assert 1 == len(client.simulator.library.tasks)
    assert client.simulator.requests.to(CREATE)[0].status_code is None


def test_what_is_not_heard_is_not_done(client: Client) -> None:
    client.simulator.api_faults.append(ApiFault.unheard(path=CREATE))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.submit(add(client.simulator).vid)
    assert {} == client.simulator.library.tasks
    assert client.simulator.requests.to(CREATE)[0].status_code is None


def test_faults_of_one_kind_wait_for_their_own_path(client: Client) -> None:
    client.simulator.api_faults.append(ApiFault.http_500(path=GET))
    client.simulator.api_faults.append(ApiFault.http_500(path=LIST))
    assert [500, 200, 500] == [client.ask(path).status_code for path in (LIST, LIST, GET)]


def test_a_slow_api_outlasts_a_clients_patience(client: Client) -> None:
    client.simulator.api_faults.append(ApiFault.slow(30))
    client.http.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.ReadTimeout):
        client.ask(LIST)
    assert 200 == client.ask(LIST).status_code


@pytest.mark.parametrize("answer", ["reset", "html"])
def test_too_many_requests_shut_the_address_out_of_the_api_alone(client: Client, answer: Any) -> None:
    video = add(client.simulator)
    link = client.link(video)
    client.simulator.rate_limit = RateLimit(requests=3, window=600, block_seconds=2.0, answer=answer)

    def is_answered() -> bool:
        try:
            return client.ask(LIST).headers["Content-Type"] == "application/json"
        except httpx.TransportError:
            return False

    assert [True, True, True, False, False] == [is_answered() for _ in range(5)]
    assert whole(video) == client.fetch(link).body
    until = time.monotonic() + 30
    while not is_answered():
        assert time.monotonic() < until
        time.sleep(0.1)
