"""An archive of finished files that no run has fetched: made at once, as many as a test needs."""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from archive_case import FETCHER, passed_on, put_empty_archive, rows_of, run_fetcher
from ledger_cases import NOW, opened, vid

from fetcher.archive.names import path_key
from fetcher.ledger.bulk import insert_rows
from fetcher.ledger.schema import videos
from fetcher.sync.sidecars import _FIELDS

_AT_ONCE: Final = 1000


class DoneArchive:
    """One archive, and the installed command."""

    def __init__(self, root: Path) -> None:
        self.root = root
        put_empty_archive(root)

    @property
    def ledger(self) -> Path:
        """Where the ledger is."""
        return self.root / ".fetcher" / "ledger.db"

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the installed command to its end."""
        return run_fetcher("--archive", str(self.root), *arguments, environ=environ)

    def start(self, *arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
        """Start the installed command."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        return subprocess.Popen(
            [FETCHER, "--archive", str(self.root), *arguments],
            env=passed_on(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            **pipes,
        )

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return ``list --format jsonl`` by vid."""
        return rows_of(self.ledger)

    def add_sidecars(self) -> None:
        """Put a sidecar beside each file, as 'sync' writes them."""
        for row in self.rows().values():
            told = {name: row[name] for name in _FIELDS}
            (self.root / f"{row['path']}.json").write_text(json.dumps(told), encoding="utf-8")

    def fill(self, paths: Sequence[str], *, has_md5: bool = True, **facts: Any) -> None:
        """Put a small file at each path, and its row into the ledger."""
        with opened(self.ledger.parent) as database:
            for start in range(0, len(paths), _AT_ONCE):
                some = enumerate(paths[start : start + _AT_ONCE], start=start + 1)
                rows = [{**self._placed(number, path, has_md5=has_md5), **facts} for number, path in some]
                with database.writing() as connection:
                    insert_rows(connection, videos, rows)

    def _placed(self, number: int, path: str, *, has_md5: bool) -> Mapping[str, Any]:
        data = b"%d of them" % number
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return {
            "vid": vid(number),
            "status": "done",
            "path": path,
            "path_key": path_key(path),
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "md5": hashlib.md5(data).hexdigest() if has_md5 else None,
            "evidence": "md5" if has_md5 else "none",
            "added_at": NOW,
            "done_at": NOW + number,
            "verified_at": NOW + number,
        }


def lose_ledger(root: Path) -> None:
    """Take an archive's ledger away."""
    for end in ("", "-wal", "-shm", "-journal"):
        (root / ".fetcher" / f"ledger.db{end}").unlink(missing_ok=True)


def names_in(directory: Path) -> list[str]:
    """Return all that is in a directory."""
    return sorted(os.listdir(directory))
