"""The simulator, seen from a client's side of real sockets."""

import gzip
import hashlib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import fastcrc
import httpx
import pytest
import trustme

from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Library, Video
from fetcher.simulator.server import Simulator
from fetcher.simulator.signature import auth_key, sign_v2, sign_v3
from fetcher.simulator.world import RateLimit

CREATE = "/v3/video/source-file-task/create"
GET = "/v3/video/source-file-task/get"
LIST = "/v3/video/list-video"
INFO = "/v3/video/get-video-info"
CATEGORY = "/v3/category/get"
DAY = 86_400.0
SIZE = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a client saw of one answer."""

    status_code: int
    headers: httpx.Headers
    body: bytes
    error: type[Exception] | None


class Client:
    """An account holder who signs as the vendor's page says."""

    def __init__(self, simulator: Simulator, http: httpx.Client) -> None:
        self.simulator = simulator
        self.http = http

    def signed(self, **params: str) -> dict[str, str]:
        """Complete parameters with application, moment and signature."""
        params = {
            "appId": self.simulator.app_id,
            "timestamp": str(int(self.simulator.now() * 1000)),
        } | params
        return {"sign": sign_v3(params, self.simulator.app_secret)} | params

    def ask(self, path: str, **params: str) -> httpx.Response:
        """Send a signed GET."""
        return self.http.get(self.simulator.url + path, params=self.signed(**params))

    def submit(self, *vids: str, **params: str) -> httpx.Response:
        """Create a task."""
        form = self.signed(vids=",".join(vids), **{"expireDays": "1"} | params)
        return self.http.post(self.simulator.url + CREATE, data=form)

    def rows(self, task_id: str) -> list[dict[str, Any]]:
        """Return a task's rows."""
        rows: list[dict[str, Any]] = self.ask(GET, taskId=task_id).json()["data"]
        return rows

    def link(self, video: Video) -> str:
        """Return a fresh link to a video."""
        return str(self.rows(self.simulator.library.create_task([video.vid]))[0]["url"])

    def fetch(self, url: str, method: str = "GET", **headers: str) -> Fetched:
        """Fetch a link, keeping what came before a break."""
        body, error = b"", None
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.http.stream(method, url, headers=names) as response:
            try:
                for piece in response.iter_raw():
                    body += piece
            except httpx.TransportError as exc:
                error = type(exc)
        return Fetched(status_code=response.status_code, headers=response.headers, body=body, error=error)

    def download(self, video: Video, **headers: str) -> Fetched:
        """Fetch a video by a fresh link."""
        return self.fetch(self.link(video), **headers)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    headers = {"Accept-Encoding": "identity"}
    with httpx.Client(timeout=5, headers=headers, trust_env=False, verify=False) as http:
        yield Client(simulator, http)


def add(simulator: Simulator, *faults: Fault) -> Video:
    return simulator.library.add_video(size=SIZE, faults=faults)


def whole(video: Video) -> bytes:
    return video.read(0, video.size)


# Signatures and the gate


@pytest.mark.parametrize(
    ("secret", "params", "expected"),
    [
        (
            "fsq2k5weced1h8vui657xtdva66whf0g",
            {
                "appId": "g4rqgmmjuo",
                "channelIds": "2477096,2272655",
                "startDay": "2022-05-20",
                "endDay": "2022-06-18",
                "timestamp": "1660270926732",
                "page": "",
                "size": "",
            },
            "0D2BDA2FD04D93A2B8832B91FD973C4D",
        ),
        (
            "testSecretKey0123456789",
            {"appId": "a0Wmol5EwX", "timestamp": "1617950661602", "title": "测试 视频&a=1", "empty": ""},
            "222F233D751115CD45796E329D68D001",
        ),
    ],
)
def test_signs_v3_as_the_vendors_vectors_do(secret: str, params: dict[str, str], expected: str) -> None:
    assert expected == sign_v3(params, secret)


def test_signs_v2_as_the_vendors_vector_does() -> None:
    assert "C2B1558D697EA3AF4ED2FC90152751860C1E2163" == sign_v2({"ptime": "1", "vid": "test1"}, "test2")


def test_auth_key_is_md5_over_path_timestamp_rand_uid_and_key() -> None:
    expected = hashlib.md5(b"/a.mp4-1700000000-r-u-secret").hexdigest()
    assert f"1700000000-r-u-{expected}" == auth_key(
        "/a.mp4", timestamp=1_700_000_000, rand="r", uid="u", key="secret"
    )


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


def test_errors_come_with_http_200_where_asked(client: Client) -> None:
    client.simulator.http_status_of_errors = 200
    response = client.ask(LIST, appId="stranger")
    assert (200, 400) == (response.status_code, response.json()["code"])


# Tasks


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


# The library


def test_lists_videos_in_pages(client: Client) -> None:
    library = client.simulator.library
    vids = [library.add_video(size=10, created_at=1_700_000_000.0 + n).vid for n in range(25)]

    pages = [client.ask(LIST, page=str(n), sort="creationTimeAsc").json()["data"] for n in (1, 2, 3, 4)]
    assert vids == [each["vid"] for page in pages for each in page["contents"]]
    assert (3, 3, 10, 25) == tuple(
        pages[2][name] for name in ("pageNumber", "totalPages", "pageSize", "totalItems")
    )
    assert 1000 == client.ask(LIST, pageSize="5000").json()["data"]["pageSize"]
    assert vids[-1] == client.ask(LIST).json()["data"]["contents"][0]["vid"]


def test_lists_what_the_filters_ask_for(client: Client) -> None:
    library = client.simulator.library
    parent = library.add_category("parent")
    child = library.add_category("child", parent_id=parent.category_id)
    above = library.add_video(title="above", category_id=parent.category_id, created_at=1000.0)
    below = library.add_video(title="below", category_id=child.category_id, created_at=2000.0)
    library.add_video(title="waiting", status=10, created_at=3000.0)

    def titles(**params: str) -> list[str]:
        contents = client.ask(LIST, sort="creationTimeAsc", **params).json()["data"]["contents"]
        return [each["basicInfo"]["title"] for each in contents]

    assert [above.title] == titles(cateId=parent.category_id)
    assert [above.title, below.title] == titles(cateId=parent.category_id, containSubCate="Y")
    assert ["waiting"] == titles(status="10")
    assert [below.title] == titles(startTime="2000000", endTime="2999999")
    assert [below.title] == titles(title="elo")


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (lambda library, vids: setattr(library.videos[vids[0]], "status", 10), [1, 2]),
        (lambda library, vids: setattr(library.videos[vids[0]], "created_at", 9000.0), [1, 2, 0]),
        (lambda library, vids: library.videos.pop(vids[1]), [0, 2]),
        (lambda library, vids: setattr(library.videos[vids[2]], "category_id", "elsewhere"), [0, 1]),
    ],
    ids=["unpublished", "of another age", "removed", "moved"],
)
def test_a_listing_shows_what_changed_since_the_page_before(
    client: Client, change: Callable[[Library, list[str]], object], shown: list[int]
) -> None:
    library = client.simulator.library
    folder = library.add_category("folder")
    library.add_category("elsewhere", category_id="elsewhere")
    vids = [library.add_video(category_id=folder.category_id, created_at=1000.0 + n).vid for n in range(3)]
    asked = {"sort": "creationTimeAsc", "status": "61", "cateId": folder.category_id}

    def listed() -> list[str]:
        return [each["vid"] for each in client.ask(LIST, **asked).json()["data"]["contents"]]

    assert vids == listed()
    change(library, vids)
    assert [vids[number] for number in shown] == listed()


def test_basic_info_tells_the_listed_size_and_the_chinese_time(client: Client) -> None:
    client.simulator.library.add_video(title="课程", size=10, listed_size=11, created_at=1_700_000_000.0)
    info = client.ask(LIST).json()["data"]["contents"][0]["basicInfo"]
    assert ("课程", 11, 61, "1") == tuple(info[name] for name in ("title", "size", "status", "cateId"))
    assert "2023-11-15 06:13:20" == info["creationTime"]


def test_video_info_tells_format_and_size(client: Client) -> None:
    video = client.simulator.library.add_video(extension=".MOV", size=77)
    data = client.ask(INFO, vids=video.vid, filter="basicInfo,metaData").json()["data"]
    assert ("mov", 77) == tuple(data["contents"][0]["metaData"][name] for name in ("format", "size"))
    assert 2000 == client.ask(INFO, vids="unknown").json()["error"]["code"]


def test_categories_are_told_one_level_a_call_and_in_pages(client: Client) -> None:
    library = client.simulator.library
    names = [library.add_category(f"c{n}") for n in range(3)]
    deep = library.add_category("deep", parent_id=names[0].category_id)

    root = client.ask(CATEGORY, cateId="1", page="2", pageSize="2").json()["data"]
    assert 3 == root["subCategoryTotal"]
    assert ["c2"] == [each["cateName"] for each in root["subCategories"]]
    below = client.ask(CATEGORY, cateId=names[0].category_id).json()["data"]
    assert {"cateId": deep.category_id, "cateName": "deep", "parentId": names[0].category_id} in below[
        "subCategories"
    ]
    assert "c0" == below["category"]["cateName"]


def test_a_malformed_number_is_refused(client: Client) -> None:
    assert 400 == client.ask(LIST, page="one").json()["code"]


def test_the_v2_call_tells_the_md5_or_none(client: Client) -> None:
    simulator = client.simulator
    videos = [add(simulator), simulator.library.add_video(md5checksum="")]
    url = f"{simulator.url}/v2/video/{simulator.user_id}/get-video-msg"
    for video, expected in zip(videos, [hashlib.md5(whole(videos[0])).hexdigest(), ""], strict=True):
        params = {"ptime": str(int(time.time() * 1000)), "vid": video.vid}
        sent = params | {"sign": sign_v2(params, simulator.user_secret)}
        row = client.http.get(url, params=sent).json()["data"][0]
        assert (expected, SIZE) == (row["md5checksum"], row["source_filesize"])
    assert 403 == client.http.get(url, params=params | {"sign": "0"}).status_code


# Faults of the API


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


# Links


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
    timer = threading.Timer(0.1, client.simulator.expire_links)
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


# The CDN in order


def test_serves_the_file_with_its_validators(client: Client) -> None:
    video = add(client.simulator)
    got = client.download(video)
    assert (200, whole(video)) == (got.status_code, got.body)
    assert (str(SIZE), "bytes", "text/plain") == tuple(
        got.headers[name] for name in ("Content-Length", "Accept-Ranges", "Content-Type")
    )
    assert re.fullmatch('"[0-9A-F]{32}-1"', got.headers["ETag"])
    assert parsedate_to_datetime(got.headers["Last-Modified"])
    assert "Content-Encoding" not in got.headers
    assert video.sha256() == hashlib.sha256(got.body).hexdigest()


def test_head_answers_the_headers_alone(client: Client) -> None:
    got = client.fetch(client.link(add(client.simulator)), method="HEAD")
    assert (200, b"", str(SIZE)) == (got.status_code, got.body, got.headers["Content-Length"])
    assert 0 == client.simulator.requests[-1].bytes_sent


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        ("bytes=0-", 0, SIZE),
        ("bytes=70000-", 70_000, SIZE),
        ("bytes=5-9", 5, 10),
        ("bytes=199999-400000", 199_999, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        ("bytes=-900000", 0, SIZE),
    ],
)
def test_answers_a_range_with_206(client: Client, text: str, start: int, stop: int) -> None:
    video = add(client.simulator)
    got = client.download(video, Range=text)
    assert (206, video.read(start, stop)) == (got.status_code, got.body)
    assert f"bytes {start}-{stop - 1}/{SIZE}" == got.headers["Content-Range"]


@pytest.mark.parametrize("text", ["bytes=9-5", "bytes=-", "lines=0-5", "bytes=0-1,5-6", "bytes=a-"])
def test_a_range_it_does_not_understand_is_ignored(client: Client, text: str) -> None:
    got = client.download(add(client.simulator), Range=text)
    assert (200, SIZE) == (got.status_code, len(got.body))


@pytest.mark.parametrize("text", [f"bytes={SIZE}-", "bytes=900000-900001", "bytes=-0"])
def test_a_range_behind_the_end_answers_416_with_the_total(client: Client, text: str) -> None:
    got = client.download(add(client.simulator), Range=text)
    assert (416, f"bytes */{SIZE}") == (got.status_code, got.headers["Content-Range"])


@pytest.mark.parametrize(("answer", "status_code"), [("whole", 200), ("bare_206", 206)])
def test_a_range_behind_the_end_may_answer_the_whole_body(client: Client, answer: Any, status_code: int) -> None:
    client.simulator.out_of_range = answer
    got = client.download(add(client.simulator), Range=f"bytes={SIZE}-")
    assert (status_code, SIZE) == (got.status_code, len(got.body))
    assert "Content-Range" not in got.headers


def test_if_range_decides_between_206_and_200(client: Client) -> None:
    video = add(client.simulator)
    seen = client.download(video).headers

    def status(condition: str) -> int:
        return client.download(video, Range="bytes=10-", If_Range=condition).status_code

    assert [206, 206] == [status(seen["ETag"]), status(seen["Last-Modified"])]
    assert [200, 200, 200] == [
        status('"other"'),
        status(f"W/{seen['ETag']}"),
        status("Mon, 01 Jan 2001 00:00:00 GMT"),
    ]


def test_tells_the_crc64_of_the_whole_object_on_a_range_too(client: Client) -> None:
    client.simulator.library.crc = True
    video = add(client.simulator)
    expected = str(fastcrc.crc64.xz(whole(video)))
    assert expected == client.download(video, Range="bytes=5-").headers["x-oss-hash-crc64ecma"]


def test_a_path_without_a_video_answers_404(client: Client) -> None:
    assert 404 == client.http.get(f"{client.simulator.url}/a/b/c.mp4").status_code


# The bytes


def test_bodies_are_the_same_however_they_are_read() -> None:
    video = Simulator().library.add_video(size=3 * (1 << 20) + 5)
    pieces = [video.read(at, at + 70_001) for at in range(0, video.size, 70_001)]
    assert whole(video) == b"".join(pieces)
    assert video.size == len(whole(video))
    assert video.sha256() == hashlib.sha256(whole(video)).hexdigest()
    assert str(fastcrc.crc64.xz(whole(video))) == video.crc64()
    assert b"ftyp" == video.read(4, 8)


def test_the_end_of_a_huge_body_costs_no_memory() -> None:
    video = Simulator().library.add_video(size=1 << 40)
    assert 10 == len(video.read(video.size - 10, video.size))


@pytest.mark.parametrize("size", [0, 1, 23, 24, 25])
def test_tiny_bodies_have_their_size(client: Client, size: int) -> None:
    video = client.simulator.library.add_video(size=size)
    got = client.download(video)
    assert (200, size, whole(video)) == (got.status_code, len(got.body), got.body)


def test_a_given_body_is_served_verbatim(client: Client) -> None:
    video = client.simulator.library.add_video(body=b"verbatim")
    assert (b"verbatim", 8) == (client.download(video).body, video.size)


def test_new_videos_have_the_vendors_shape_and_their_own_path() -> None:
    library = Simulator().library
    vids = {library.add_video().vid for _ in range(100)}
    assert 100 == len(vids)
    assert all(re.fullmatch("[0-9a-z]{32}_[0-9a-z]", vid) for vid in vids)
    with pytest.raises(ValueError, match="there already"):
        library.add_video(vid=vids.pop())


# Faults of the CDN


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
    assert [None, first.headers["ETag"]] == [r.if_range for r in records]


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
    video = add(client.simulator, Fault.refuse(retry_after="7"), Fault.refuse(), Fault.too_many())
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


def test_a_changed_object_has_another_etag_and_other_bytes(client: Client) -> None:
    video = add(client.simulator, Fault.changed())
    old = whole(video)
    first = client.download(video)
    second = client.download(video, Range="bytes=10-", If_Range=first.headers["ETag"])
    third = client.download(video)

    assert old == first.body
    assert (200, whole(video)) == (second.status_code, second.body)
    assert old != second.body
    assert first.headers["ETag"] != second.headers["ETag"] == third.headers["ETag"]
    assert video.sha256() == hashlib.sha256(third.body).hexdigest()


def test_a_range_may_be_ignored(client: Client) -> None:
    got = client.download(add(client.simulator, Fault.ignore_range()), Range="bytes=10-")
    assert (200, SIZE) == (got.status_code, len(got.body))
    assert "Content-Range" not in got.headers


@pytest.mark.parametrize(("shift", "start"), [(5, 1005), (-5, 995)])
def test_a_206_may_start_elsewhere(client: Client, shift: int, start: int) -> None:
    video = add(client.simulator, Fault.wrong_range(shift=shift))
    assert 200 == client.download(video).status_code
    got = client.download(video, Range="bytes=1000-")
    assert f"bytes {start}-{SIZE - 1}/{SIZE}" == got.headers["Content-Range"]
    assert video.read(start, SIZE) == got.body


def test_a_206_may_fall_short(client: Client) -> None:
    video = add(client.simulator, Fault.short_range(length=50))
    got = client.download(video, Range="bytes=1000-")
    assert (206, video.read(1000, 1050)) == (got.status_code, got.body)
    assert f"bytes 1000-1049/{SIZE}" == got.headers["Content-Range"]


def test_an_etag_may_be_weak_or_missing(client: Client) -> None:
    video = add(client.simulator, Fault.weak_etag())
    weak = client.download(video).headers["ETag"]
    assert f"W/{video.etag}" == weak
    assert 200 == client.download(video, Range="bytes=5-", If_Range=weak).status_code
    assert "ETag" not in client.download(add(client.simulator, Fault.no_etag())).headers


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


def test_a_body_may_end_with_the_connection(client: Client) -> None:
    video = add(client.simulator, Fault.no_length())
    got = client.download(video)
    assert (whole(video), None) == (got.body, got.error)
    assert not {"content-length", "transfer-encoding"} & set(got.headers)
    assert SIZE == client.simulator.requests[-1].bytes_sent


def test_a_body_without_length_may_be_cut_and_look_complete(client: Client) -> None:
    video = add(client.simulator, Fault.truncated_no_length(after=70_000))
    got = client.download(video)
    assert (70_000, None) == (len(got.body), got.error)
    assert "Content-Length" not in got.headers
    assert whole(video) == client.download(video).body


def test_a_body_may_be_chunked_and_cut_there(client: Client) -> None:
    video = add(client.simulator, Fault.chunked(), Fault.cut(after=70_000))
    got = [client.download(video) for _ in range(2)]
    assert "chunked" == got[1].headers["Transfer-Encoding"]
    assert [70_000, SIZE] == [len(each.body) for each in got]
    assert httpx.RemoteProtocolError is got[0].error


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


# Running it


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
        video = add(simulator, Fault.no_length())
        got = [client.download(each) for each in (cut, cut, video)]
    assert simulator.url.startswith("https://127.0.0.1:")
    assert [True, True, False] == [each.error is not None for each in got]
    assert whole(video) == got[2].body


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
