"""The vendor's own sample answer, as its page prints it, with the host of its link replaced.

Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_get
"""

import json
from pathlib import Path

from archive_case import run_fetcher
from origin import OriginServer
from polyv_server import PolyvServer

_TASK = "16661c08b9564c1ea6f4544ccd568e58"
_READY = "1b448be32370f4822ac40fd926112a66_1"
_WAITING = "1b448be32305bb29879b1eb06abd9fa1_1"
_PATH = "/1b448be323/6/1b448be32370f4822ac40fd926112a66.mp4"
_KEY = "auth_key=1694663401-3iwFnV2uJx-ac59aff03d-c71c8c4e01284d892c2dc9ad1ee57272"
_BORN_AT = 1694663401000


def test_a_link_that_is_stamped_with_its_own_birth_is_fetched(tmp_path: Path) -> None:
    """Read as an expiry the link would have been dead for years; only the origin's answer says expired."""
    body = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 3000
    archive = tmp_path / "archive"
    with PolyvServer() as polyv, OriginServer() as origin:
        link = origin.add(_PATH, body)
        polyv.data = [
            {
                "vid": _READY,
                "url": f"{link}?{_KEY}",
                "status": "SUCCESS",
                "createTime": _BORN_AT,
                "successTime": _BORN_AT,
            },
            {"vid": _WAITING, "url": None, "status": "PROCESS", "createTime": _BORN_AT, "successTime": None},
        ]
        environ = {
            "FETCHER_API_URL": polyv.url,
            "FETCHER_ARCHIVE": str(archive),
            "POLYV_APP_ID": "a0Wmol5EwX",
            "POLYV_APP_SECRET": polyv.secret,
        }
        assert 0 == run_fetcher("init", str(archive), environ=environ).returncode
        assert 0 == run_fetcher("add", _TASK, environ=environ).returncode

        ended = run_fetcher("sync", environ=environ)

        listed = run_fetcher("list", "--format", "jsonl", environ=environ).stdout
    rows = {row["vid"]: row for row in map(json.loads, listed.splitlines())}
    assert (0, "") == (ended.returncode, ended.stderr)
    assert {_READY: "done", _WAITING: "waiting"} == {vid: row["status"] for vid, row in rows.items()}
    assert body == (archive / rows[_READY]["path"]).read_bytes()
    (asked,) = (request for request in polyv.requests if request.path.endswith("/source-file-task/get"))
    assert {"taskId", "appId", "timestamp", "sign"} == set(asked.params)
