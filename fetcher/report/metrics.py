"""The archive in numbers for Prometheus, as a text file that its node exporter collects.

Source: https://prometheus.io/docs/practices/naming/ (base units, no unit or total left out);
https://github.com/prometheus/node_exporter#textfile-collector (written beside it and renamed, ``*.prom``).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from fetcher.ledger.views import Totals

_ABOUT_RUN: Final = (
    ("fetcher_last_run_exit_code", "Exit code of the last run that ended.", "exit_code"),
    ("fetcher_last_run_fetched_bytes", "Bytes that came over the network in it.", "bytes"),
    ("fetcher_last_run_done_videos", "Videos that became done in it.", "done"),
    ("fetcher_last_run_api_requests", "Requests to Polyv's API in it.", "calls"),
)


def write_metrics(path: Path, totals: Totals, *, at_risk: int) -> None:
    """Replace the file at *path* in one step. Nothing in it names a video, and nothing is secret.

    Args:
        path: The file; the node exporter takes those that end in ``.prom``.
        totals: The ledger in numbers.
        at_risk: Ready videos that may be lost before they are fetched.

    Raises:
        OSError: It cannot be written; what was there stays.
    """
    registry = CollectorRegistry()
    _by_label(registry, "fetcher_videos", "Videos by status.", "status", totals.counts.items())
    _by_label(registry, "fetcher_failed_videos", "Failed videos by reason.", "reason", totals.reasons.items())
    _by_label(registry, "fetcher_tasks", "Tasks by status.", "status", totals.tasks.items())
    _one(registry, "fetcher_done_bytes", "Bytes of all done videos.", totals.bytes_done)
    _one(registry, "fetcher_at_risk_videos", "Ready videos that may be lost before they are fetched.", at_risk)
    _instant(
        registry,
        "fetcher_nearest_deadline_timestamp_seconds",
        "When the link dies that dies first of those of ready videos.",
        totals.nearest_deadline,
    )
    _instant(
        registry,
        "fetcher_last_success_timestamp_seconds",
        "When the last run ended with code 0.",
        totals.last_success_at,
    )
    if totals.last_run is not None and totals.last_run["ended_at"] is not None:
        _about_run(registry, totals.last_run)
    write_to_textfile(str(path), registry)


def _about_run(registry: CollectorRegistry, run: dict[str, Any]) -> None:
    for name, about, column in _ABOUT_RUN:
        _one(registry, name, about, run[column])
    took_s = max(run["ended_at"] - run["started_at"], 0) / 1000
    _one(registry, "fetcher_last_run_duration_seconds", "How long it took.", took_s)
    _instant(registry, "fetcher_last_run_timestamp_seconds", "When it ended.", run["ended_at"])


def _one(registry: CollectorRegistry, name: str, about: str, value: float) -> None:
    Gauge(name, about, registry=registry).set(value)


def _instant(registry: CollectorRegistry, name: str, about: str, at: int | None) -> None:
    """Say a moment, given in ms UTC; where there is none the metric is left out."""
    if at is not None:
        _one(registry, name, about, at / 1000)


def _by_label(
    registry: CollectorRegistry, name: str, about: str, label: str, values: Iterable[tuple[str, int]]
) -> None:
    gauge = Gauge(name, about, [label], registry=registry)
    for value, count in values:
        gauge.labels(value).set(count)
