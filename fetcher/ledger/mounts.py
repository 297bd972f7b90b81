"""What a ledger's file system means for it: whether locks can be relied on, how to read what cannot be written.

Source: proc(5), /proc/PID/mountinfo: field 5 is the mount point, the first field after ``-`` the kind.
"""

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import quote

_MOUNTS: Final = Path("/proc/self/mountinfo")
_NETWORK: Final = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "lustre",
        "glusterfs",
        "9p",
        "fuse.sshfs",
        "fuse.rclone",
    }
)


def network_file_system(path: Path) -> str | None:
    """Return the kind of network file system that *path* is on, None where it is on none."""
    try:
        table = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    return network_kind(table, path.resolve())


def uri_to_read(path: Path) -> str:
    """Return what SQLite is to open for reading alone.

    A ledger on a disk that is mounted read-only cannot have the index of its -wal file made beside it; where that
    file is empty it needs none.

    Source: SQLite, "Write-Ahead Logging", section 7 (Read-Only Databases).
    """
    uri = f"file:{quote(os.fsencode(path))}?mode=ro"
    wal = Path(f"{path}-wal")
    has_wal = wal.exists() and wal.stat().st_size > 0
    is_read_only = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    return f"{uri}&immutable=1" if is_read_only and not has_wal else uri


def network_kind(table: str, path: Path) -> str | None:
    """Return the kind of network file system that holds *path*, by the text of a mount table."""
    best, kind = -1, ""
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:  # noqa: PLR2004 - the mount point is the fifth field
            continue
        point = Path(_unescaped(fields[4]))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split(" ")[0]
    return kind if kind in _NETWORK else None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(\d{3})", lambda piece: chr(int(piece[1], 8)), text)
