"""The simulator's links: how they are signed, and when they die."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from simulator_client import Client, add, whole

from fetcher.simulator.faults import Fault

DAY = 86_400.0


def test_every_query_signs_anew_and_both_links_work(client: Client) -> None:
    video = add(client.simulator)
    task_id = client.simulator.library.create_task([video.vid])
    links = [client.rows(task_id)[0]["url"] for _ in range(2)]
    assert links[0] != links[1]
    assert [whole(video)] * 2 == [client.fetch(link).body for link in links]


def test_frozen_links_stay_the_same(client: Client) -> None:
    client.simulator.links = "frozen"
    task_id = client.simulator.library.create_task([add(client.simulator).vid])
    assert client.rows(task_id)[0]["url"] == client.rows(task_id)[0]["url"]


@pytest.mark.parametrize(("meaning", "ahead"), [("issued", 0), ("expiry", 1800)])
def test_a_link_dies_after_its_lifetime_whatever_its_timestamp_means(
    client: Client, meaning: Any, ahead: int
) -> None:
    client.simulator.auth_timestamp = meaning
    video = add(client.simulator)
    link = client.link(video)
    timestamp = int(link.partition("auth_key=")[2].partition("-")[0])
    assert ahead == pytest.approx(timestamp - time.time(), abs=3)

    client.simulator.clock_offset = 1790.0
    assert 200 == client.fetch(link).status_code
    client.simulator.clock_offset = 1805.0
    refused = client.fetch(link)
    assert 403 == refused.status_code
    assert "denied by req auth: expired timestamp" == refused.headers["X-Tengine-Error"]
    assert 200 == client.download(video).status_code


def test_a_running_transfer_outlives_its_link_and_its_resume_does_not(client: Client) -> None:
    video = add(client.simulator, Fault.drip(rate=500_000, times=1))
    link = client.link(video)
    timer = threading.Timer(0.1, setattr, (video, "link_lifetime", 0.0))
    timer.start()
    running = client.fetch(link)
    timer.join()
    assert whole(video) == running.body
    assert 403 == client.fetch(link, Range="bytes=100-").status_code


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda link: link[:-1] + ("0" if link[-1] != "0" else "1"), "invalid md5hash"),
        (lambda link: link.partition("?")[0] + "?auth_key=nonsense", "invalid md5hash"),
        (lambda link: link.partition("?")[0], "no url arg auth_key"),
    ],
)
def test_a_forged_link_is_refused(client: Client, spoil: Callable[[str], str], reason: str) -> None:
    refused = client.fetch(spoil(client.link(add(client.simulator))))
    assert 403 == refused.status_code
    assert f"denied by req auth: {reason}" == refused.headers["X-Tengine-Error"]


def test_a_closed_thaw_window_needs_a_new_task(client: Client) -> None:
    video = add(client.simulator)
    task_id = client.submit(video.vid, expireDays="2").json()["data"]["taskId"]
    assert 200 == client.fetch(client.rows(task_id)[0]["url"]).status_code

    client.simulator.clock_offset = 2 * DAY + 5
    refused = client.fetch(client.rows(task_id)[0]["url"])
    assert 403 == refused.status_code
    assert b"<Error><Code>InvalidObjectState</Code>" in refused.body
    assert 200 == client.download(video).status_code
