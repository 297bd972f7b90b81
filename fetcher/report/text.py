"""The same for people: short lines, sizes in words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fetcher.domain.identifiers import printable
from fetcher.domain.status import Status
from fetcher.domain.waves import Forecast, Wave

_TABLE: Final = ("vid", "status", "size", "path", "note")
_WIDTHS: Final = {"vid": 34, "status": 8, "size": 10, "path": 44}
_OF_ONE: Final = {"are": "is", "were": "was", "have": "has"}


def size_text(size: int | None) -> str:
    """Return a size in words, '-' for none."""
    if size is None:
        return "-"
    import humanize  # noqa: PLC0415 - a silent run of sync says no size

    return humanize.naturalsize(size, binary=True)


def status_lines(row: Mapping[str, Any], root: str) -> Iterator[str]:
    """Yield ``status`` for people, from ``status_row``."""
    counts = row["counts"]
    yield f"archive   {root}"
    yield "videos    " + ", ".join(f"{counts[name]} {name}" for name in counts)
    yield f"bytes     {size_text(row['bytes_done'])} done"
    if row["reasons"]:
        yield "failed    " + ", ".join(f"{count} {reason}" for reason, count in sorted(row["reasons"].items()))
    tasks = ", ".join(f"{count} {name}" for name, count in sorted(row["tasks"].items())) or "none"
    asked = f"; the next is asked about at {row['next_poll_at']}" if row["next_poll_at"] else ""
    yield f"tasks     {tasks}{asked}"
    if row["nearest_deadline"] or row["at_risk"]:
        yield f"links     nearest deadline {row['nearest_deadline'] or 'not told'}, {row['at_risk']} at risk"
    if row["nearest_window_end"]:
        yield f"thawed    the first file that is still to be fetched goes cold at {row['nearest_window_end']}"
    yield f"last run  {_run_text(row['last_run'])}"
    if row["last_success_at"]:
        yield f"last ok   {row['last_success_at']}"


def _run_text(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return "never"
    if run["ended_at"] is None:
        return f"began at {run['started_at']} and has not ended, or was killed"
    return f"{run['ended_at']}, exit code {run['exit_code']}, {run['done']} done, {size_text(run['bytes'])} fetched"


def table_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield ``list`` for people."""
    yield _line({name: name.upper() for name in _TABLE})
    for row in rows:
        cells = {"size": size_text(row["size"]), "path": row["path"] or "-", "note": printable(_note(row))}
        yield _line({**row, **cells})


def _note(row: Mapping[str, Any]) -> str:
    """Return by when to fetch what is not here yet, and what is told of it."""
    told = ": ".join(text for text in (row["reason"], row["detail"]) if text)
    link_until = f"link until {row['deadline']}" if row["deadline"] else ""
    thawed_until = f"thawed until {row['window_ends_at']}" if row["window_ends_at"] else ""
    texts = [link_until, thawed_until, told] if row["status"] in (Status.WAITING, Status.READY) else [told]
    return "; ".join(text for text in texts if text)


def _line(cells: Mapping[str, Any]) -> str:
    head = "  ".join(str(cells[name]).ljust(width) for name, width in _WIDTHS.items())
    return f"{head}  {cells['note']}".rstrip()


def video_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield ``show VID`` for people, from ``shown_video``."""
    for name, value in row.items():
        if name not in ("tasks", "history", "task_ids", "agreed") and value is not None:
            yield f"{name:16}{_value_text(name, value)}"
    if row["agreed"]:
        yield f"agreed          {', '.join(_word_text(one) for one in row['agreed'])}"
    for task in row["tasks"]:
        yield f"task            {task['task_id'] or task['request_key']}  {task['status']}, {_said(task['said'])}"
    for one in row["history"]:
        detail = f"  {printable(one['detail'], limit=400)}" if one["detail"] else ""
        yield f"{one['at']}  {one['event']}: {one['from']} -> {one['to']}{detail}"


def _value_text(name: str, value: object) -> str:
    """Return a value in words; sizes that may differ by a byte with all their digits, too."""
    if name in ("size", "polyv_size") and isinstance(value, int):
        return f"{size_text(value)} ({value} bytes)"
    return printable(value)


def _word_text(word: str) -> str:
    """Return ``size:polyv`` for people."""
    what, _, whose = word.partition(":")
    return f"{what} ({'Polyv' if whose == 'polyv' else 'the origin'})"


def task_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield ``show TASK_ID`` for people, from ``shown_task``."""
    for name, value in row.items():
        if name != "videos" and value is not None:
            yield f"{name:16}{printable(value)}"
    for video in row["videos"]:
        where = video["path"] or video["reason"] or ""
        yield f"{video['vid']}  {video['status']:8}  {_said(video['said'])}  {where}".rstrip()


def _said(said: str) -> str:
    """Return what Polyv says of a video, or that it was asked for; that stands in brackets."""
    return printable(said) if said.startswith("(") else f"Polyv says {printable(said)}"


def wave_lines(found: Forecast, *, rate: float | None, most: int) -> Iterator[str]:
    """Yield the waves in which Polyv would be asked, none where nothing is wanted.

    Args:
        found: The waves.
        rate: Measured, bytes a second; None where it is not.
        most: Waves to name one by one.
    """
    waves = found.waves
    if waves:
        everything = Wave(videos=sum(wave.videos for wave in waves), bytes=found.bytes)
        yield f"would ask Polyv for {_wave_text(everything)} in {counted(len(waves), 'wave')}:"
    for number, wave in enumerate(waves[:most], start=1):
        size, tasks = size_text(wave.bytes), counted(wave.tasks, "task")
        yield f"wave {number}: {counted(wave.videos, 'video')}, {size}, in {tasks}"
    if len(waves) > most:
        yield f"and {counted(len(waves) - most, 'further wave')}"
    days = found.days(rate)
    if waves and days is None:
        yield "how many days that takes is not known: nothing has been fetched yet"
    elif days is not None and waves:
        yield f"that takes {days:.1f} days at the {size_text(round(rate or 0))}/s that were measured, thawing aside"
    if found.left_out.videos:
        yield f"would leave out {_wave_text(found.left_out)}: the disk has no room for them"


def _wave_text(wave: Wave) -> str:
    return f"{counted(wave.videos, 'wanted video')} ({size_text(wave.bytes)})"


def counted(number: int, what: str, verb: str = "") -> str:
    """Return '1 task' or '2 tasks'; with *verb*, in the form that goes with many, '1 task is' or '2 tasks are'."""
    noun, does = (what, _OF_ONE.get(verb, verb)) if number == 1 else (f"{what}s", verb)
    return f"{number} {noun} {does}".rstrip()
