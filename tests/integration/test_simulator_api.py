"""The simulator's API, seen from a client's side of real sockets: its gate and its tasks."""

import re
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from simulator_client import CATEGORY, CREATE, GET, INFO, LIST, Client, add, whole


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"timestamp": ""}, (400, 100, "invalid timestamp")),
        ({"timestamp": "soon"}, (400, 100, "invalid timestamp")),
        ({"timestamp": "1617950661602"}, (400, 100, "invalid timestamp")),
        ({"appId": "stranger"}, (400, 101, "application not exist")),
        ({"sign": "197679CC0000000000000000000000AA"}, (403, 104, "invalid signature")),
    ],
)
@pytest.mark.parametrize("path", [CREATE, GET, LIST, INFO, CATEGORY])
def test_every_call_refuses_what_is_not_signed_now_by_a_known_application(
    client: Client, path: str, params: dict[str, str], error: tuple[int, int, str]
) -> None:
    sent = client.signed(**{name: value for name, value in params.items() if name != "sign"})
    sent |= {name: value for name, value in params.items() if name == "sign"}
    url = client.simulator.url + path
    response = client.http.post(url, data=sent) if path == CREATE else client.http.get(url, params=sent)

    answer, (code, error_code, desc) = response.json(), error
    assert (code, code, "error") == (response.status_code, answer["code"], answer["status"])
    assert {"code": error_code, "desc": desc} == answer["error"]
    assert answer["data"] is None


@pytest.mark.parametrize(("minutes", "code"), [(-2.9, 200), (2.9, 200), (-3.1, 400), (3.1, 400)])
def test_a_timestamp_holds_for_three_minutes_either_way(client: Client, minutes: float, code: int) -> None:
    moment = str(int((time.time() + minutes * 60) * 1000))
    assert code == client.ask(LIST, timestamp=moment).json()["code"]


def test_a_skewed_clock_moves_the_date_header_and_the_window(client: Client) -> None:
    client.simulator.clock_offset = 3600.0
    refused = client.ask(LIST, timestamp=str(int(time.time() * 1000)))

    assert 100 == refused.json()["error"]["code"]
    ahead = parsedate_to_datetime(refused.headers["Date"]).timestamp() - time.time()
    assert 3590 < ahead < 3605
    assert 200 == client.ask(LIST).json()["code"]


def test_a_submitted_task_answers_a_link_for_each_ready_video(client: Client) -> None:
    first, second = add(client.simulator), add(client.simulator)
    task_id = client.submit(first.vid, second.vid).json()["data"]["taskId"]

    assert re.fullmatch("[0-9a-f]{32}", task_id)
    rows = client.rows(task_id)
    assert [first.vid, second.vid] == [row["vid"] for row in rows]
    assert ["SUCCESS", "SUCCESS"] == [row["status"] for row in rows]
    path = f"/{first.vid[:10]}/{first.vid[31]}/{first.vid[:32]}.mp4"
    link = re.escape(client.simulator.url + path) + r"\?auth_key=\d{10}-\w{10}-\w{10}-[0-9a-f]{32}"
    assert re.fullmatch(link, rows[0]["url"])
    assert all(abs(row["successTime"] / 1000 - time.time()) < 60 for row in rows)


def test_create_refuses_more_than_100_videos(client: Client) -> None:
    vids = [client.simulator.library.add_video(size=1).vid for _ in range(101)]
    assert 2000 == client.submit(*vids).json()["error"]["code"]
    assert 200 == client.submit(*vids[:100]).json()["code"]


@pytest.mark.parametrize("expire_days", ["", "0", "8", "x", "1.5"])
def test_create_requires_expire_days_from_1_to_7(client: Client, expire_days: str) -> None:
    refused = client.submit(add(client.simulator).vid, expireDays=expire_days).json()
    assert (400, 2000) == (refused["code"], refused["error"]["code"])


@pytest.mark.parametrize("status", [10, 20, 50, 51, -1])
def test_create_refuses_a_batch_with_an_unpublished_video(client: Client, status: int) -> None:
    hidden = client.simulator.library.add_video(status=status)
    refused = client.submit(add(client.simulator).vid, hidden.vid).json()
    assert 2000 == refused["error"]["code"]
    assert {} == client.simulator.library.tasks


def test_create_refuses_an_unknown_video_and_an_empty_list(client: Client) -> None:
    assert 2000 == client.submit("0" * 32 + "_0").json()["error"]["code"]
    assert 2000 == client.submit().json()["error"]["code"]


def test_a_video_is_init_then_process_then_ready_by_polls(client: Client) -> None:
    video = client.simulator.library.add_video(ready_after_polls=3)
    task_id = client.submit(video.vid).json()["data"]["taskId"]

    rows = [client.rows(task_id)[0] for _ in range(5)]
    assert ["INIT", "PROCESS", "PROCESS", "SUCCESS", "SUCCESS"] == [row["status"] for row in rows]
    assert [None, None] == [rows[0]["url"], rows[2]["successTime"]]


def test_a_video_is_ready_once_its_time_has_passed(client: Client) -> None:
    video = client.simulator.library.add_video(ready_after=60.0)
    task_id = client.submit(video.vid).json()["data"]["taskId"]
    assert ["INIT", "PROCESS"] == [client.rows(task_id)[0]["status"] for _ in range(2)]

    client.simulator.clock_offset = 61.0
    row = client.rows(task_id)[0]
    assert "SUCCESS" == row["status"]
    assert 60_000 == pytest.approx(row["successTime"] - row["createTime"], abs=1)


def test_a_failing_video_fails_beside_a_sound_one(client: Client) -> None:
    library = client.simulator.library
    task_id = library.create_task([library.add_video(fails=True).vid, library.add_video().vid, "odd"])
    assert ["FAIL", "SUCCESS", "FAIL"] == [row["status"] for row in client.rows(task_id)]


def test_links_can_lead_to_another_origin(client: Client) -> None:
    """Signed as they are here, so that whoever serves the files can be measured."""
    client.simulator.link_base = "https://127.0.0.1:4433"
    video = add(client.simulator)
    link = client.link(video)

    assert link.startswith(f"https://127.0.0.1:4433{video.path}?auth_key=")
    here = link.replace("https://127.0.0.1:4433", client.simulator.url)
    assert (200, whole(video)) == ((got := client.fetch(here)).status_code, got.body)


def test_rows_can_be_added_and_hidden(client: Client) -> None:
    first, second = add(client.simulator), add(client.simulator)
    task = client.simulator.library.task(client.simulator.library.create_task([first.vid, second.vid]))
    task.hide(first.vid)
    task.extra_rows.append({"vid": "foreign", "status": "EXPIRED"})
    assert [second.vid, "foreign"] == [row["vid"] for row in client.rows(task.task_id)]

    task.show(first.vid)
    assert 3 == len(client.rows(task.task_id))


@pytest.mark.parametrize(
    ("answer", "code", "data"), [("empty", 200, []), ("null", 200, None), ("error", 400, None)]
)
def test_an_unknown_task_answers_what_is_chosen(client: Client, answer: Any, code: int, data: Any) -> None:
    client.simulator.unknown_task = answer
    got = client.ask(GET, taskId="0" * 32).json()
    assert (code, data) == (got["code"], got["data"])
