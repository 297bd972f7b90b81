"""``metrics_file``: what a run leaves for Prometheus."""

import json
import time
from pathlib import Path

from archive_case import ArchiveCase
from prometheus_client.parser import text_string_to_metric_families

from fetcher.simulator.faults import Fault

_Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _samples(path: Path) -> _Samples:
    """Return the values in the file, by name and labels."""
    families = text_string_to_metric_families(path.read_text(encoding="utf-8"))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_run_leaves_its_numbers_and_no_secret(case: ArchiveCase) -> None:
    """Done, failed and left over; what ``status`` says is what the file says."""
    done = case.simulator.library.add_video(size=3000)
    fails = case.simulator.library.add_video(fails=True)
    busy = case.simulator.library.add_video(faults=[Fault.refuse(times=None)])
    task_id = case.add(done, fails, busy)
    path, began = case.root / "fetcher.prom", time.time()

    ended = case.sync("--json", FETCHER_METRICS_FILE="fetcher.prom", FETCHER_TRIES="1")

    found, status = _samples(path), case.status()
    summary = json.loads(ended.stdout.splitlines()[-1])
    by_status = {labels[0][1]: value for (name, labels), value in found.items() if name == "fetcher_videos"}
    plain = {name: value for (name, labels), value in found.items() if not labels}
    assert status["counts"] == by_status
    assert 1 == found["fetcher_failed_videos", (("reason", "vendor_failed"),)]
    assert (3000, ended.returncode, 3000, 1) == (
        plain["fetcher_done_bytes"],
        plain["fetcher_last_run_exit_code"],
        plain["fetcher_last_run_fetched_bytes"],
        plain["fetcher_last_run_done_videos"],
    )
    assert summary["calls"] == plain["fetcher_last_run_api_requests"]
    assert summary["at_risk"] == plain["fetcher_at_risk_videos"]
    assert began - 1 <= plain["fetcher_last_run_timestamp_seconds"] <= time.time() + 1
    assert plain["fetcher_nearest_deadline_timestamp_seconds"] > began + 1700
    assert "fetcher_last_success_timestamp_seconds" not in plain
    text = path.read_text(encoding="utf-8")
    secrets = (
        case.simulator.app_secret,
        "auth_key",
        task_id,
        done.vid,
        fails.vid,
        busy.vid,
        case.simulator.signer.uid,
    )
    assert [] == [secret for secret in secrets if secret in text]


def test_a_run_counts_every_request_that_polyv_got_those_for_sizes_too(case: ArchiveCase) -> None:
    """The summary of both kinds, the ledger's row of the run and Polyv agree."""
    case.add(*(case.simulator.library.add_video() for _ in range(2)))

    summary = json.loads(case.sync("--json").stdout.splitlines()[-1])
    came = len(case.simulator.requests.to("/v3/video/"))
    assert (came, 1) == (summary["calls"], summary["polls"])
    assert came >= 2
    assert came == case.status()["last_run"]["calls"]

    case.add(case.simulator.library.add_video())
    assert "2 calls to Polyv, 1 poll;" in case.run("-v", "sync").stderr


def test_the_file_is_renewed_in_one_step_and_nothing_is_left_beside_it(case: ArchiveCase, tmp_path: Path) -> None:
    place = tmp_path / "collected"
    place.mkdir()
    (place / "fetcher.prom").write_text("old\n")

    ended = case.sync(FETCHER_METRICS_FILE=str(place / "fetcher.prom"))

    assert (0, "") == (ended.returncode, ended.stderr)
    assert ["fetcher.prom"] == [path.name for path in place.iterdir()]
    assert ("fetcher_last_success_timestamp_seconds", ()) in _samples(place / "fetcher.prom")


def test_a_file_that_cannot_be_written_is_told_and_the_run_stands(case: ArchiveCase) -> None:
    video = case.simulator.library.add_video()
    case.add(video)

    ended = case.sync(FETCHER_METRICS_FILE="nowhere/fetcher.prom")

    assert 0 == ended.returncode
    assert "metrics_file" in ended.stderr
    case.require_right([video])
