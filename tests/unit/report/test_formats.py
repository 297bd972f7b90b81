"""Rows as text: what a spreadsheet must not run, and what programs get as it is."""

import csv
import io
import json
from typing import Any

import pytest

from fetcher.report.formats import formatted
from fetcher.report.rows import COLUMNS


def _row(**values: Any) -> dict[str, Any]:
    return {**dict.fromkeys(COLUMNS), "vid": "v", "task_ids": [], **values}


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_a_title_that_is_a_formula_stays_text_in_a_spreadsheet(title: str) -> None:
    """An apostrophe comes before it in csv; jsonl has it as it is."""
    rows = [_row(title=title)]

    (cells,) = csv.DictReader(io.StringIO("\n".join(formatted(rows, "csv")), newline=""))
    (line,) = formatted(rows, "jsonl")

    assert f"'{title}" == cells["title"]
    assert title == json.loads(line)["title"]


@pytest.mark.parametrize("title", ["a=1", "课 🎬", "'a", 'a"b,c', "two\nlines", ""])
def test_any_other_text_is_as_it_was(title: str) -> None:
    """Quotes, commas and newlines too."""
    (cells,) = csv.DictReader(io.StringIO("\n".join(formatted([_row(title=title)], "csv")), newline=""))

    assert title == cells["title"]


def test_one_row_does_not_show_in_the_next() -> None:
    """The writer's buffer is used again."""
    rows = [_row(vid="long" * 100, task_ids=["a", "b"], size=5), _row(vid="x")]

    first, second = csv.DictReader(io.StringIO("\n".join(formatted(rows, "csv"))))

    assert ("long" * 100, "a b", "5") == (first["vid"], first["task_ids"], first["size"])
    assert ("x", "", "") == (second["vid"], second["task_ids"], second["size"])
