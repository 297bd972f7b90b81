"""From Polyv's bytes to the ledger's rows: whatever comes is kept, left out or refused, and never breaks a run."""

import asyncio
import contextlib
import functools
import json
import os
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_cases import NOW, added, opened, raw, task_of, vid
from sync_cases import ignore

from fetcher.domain.errors import PolyvError
from fetcher.domain.status import Preparation
from fetcher.ledger.answers import PollRecord
from fetcher.ledger.polls import record_poll
from fetcher.poller import Poller
from fetcher.polyv.answers import parse_envelope
from fetcher.polyv.tasks import TaskAnswer, parse_task

_EXAMPLES = int(os.environ.get("FETCHER_TEST_EXAMPLES", "60"))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_STAMPS = st.sampled_from(
    ["0", "-1", "99999999999", "1750000000", "1750000000000", "x", "٣٣٣٣٣٣٣٣٣", ""]
) | st.text(max_size=12)
_LINKS = st.builds(
    "https://cdn.example/{}.{}?{}={}-r-u-{}".format,
    st.text(max_size=5),
    st.sampled_from(["mp4", "MP4", "..", "\x00", "exe"]),
    st.sampled_from(["auth_key", "Expires", "sign&t"]),
    _STAMPS,
    st.sampled_from(["abc", "", "\u202e"]),
)
_TIMES = st.sampled_from([0, -1, 1e308, 10**300, NOW, NOW // 1000, str(NOW), "x"]) | _JSON
_ROWS = st.fixed_dictionaries(
    {"vid": st.sampled_from([vid(1), vid(2), vid(1).upper()]) | _JSON},
    optional={
        "status": st.sampled_from([*Preparation, "EXPIRED", "success", "\x1b[31m", "\ud83c"]) | _JSON,
        "url": _LINKS | _JSON,
        "createTime": _TIMES,
        "successTime": _TIMES,
        "surplus": _JSON,
    },
)
_ANSWERS = st.lists(st.lists(_ROWS | _JSON, max_size=5) | _JSON, min_size=1, max_size=3)


class _Said:
    """Answers with what the bytes of one answer mean."""

    def __init__(self, data: Any) -> None:
        self._body = json.dumps({"code": 200, "data": data}).encode()

    async def get_task(self, task_id: str) -> TaskAnswer:
        """Answer whatever is asked."""
        del task_id
        return parse_task(parse_envelope(self._body, http_status=200))


def test_any_answers_one_after_the_other_leave_a_sound_ledger(tmp_path: Path) -> None:
    """F57, F58, F59, F61, F64, F38, F95. FETCHER_TEST_EXAMPLES sets how many histories are tried."""
    with opened(tmp_path) as ledger:

        @settings(max_examples=_EXAMPLES, deadline=None)
        @given(answers=_ANSWERS)
        def is_kept(answers: list[Any]) -> None:
            with ledger.writing() as connection:
                for table in ("events", "task_items", "videos", "tasks"):
                    connection.exec_driver_sql(f"DELETE FROM {table}")
            added(ledger)
            for number, data in enumerate(answers):
                now = NOW + number * 60_000
                clock = functools.partial(int, now)
                poller = Poller(
                    source=_Said(data), now=clock, lifetime_s=lambda _: 1800, loopback_too=False, warn=ignore
                )
                with contextlib.suppress(PolyvError):
                    seen = asyncio.run(poller.ask("task"))
                    record = PollRecord(
                        task=task_of(ledger, 1), seen=seen, now=now, next_poll_at=now + 1, is_given_up=number == 2
                    )
                    with ledger.writing() as connection:
                        record_poll(connection, record)

        is_kept()
    with raw(tmp_path / "ledger.db") as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
