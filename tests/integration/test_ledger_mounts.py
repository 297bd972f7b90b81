"""Network file systems are recognised by the kernel's table of mounts (F75)."""

from pathlib import Path
from typing import Final

import pytest

from fetcher.ledger.mounts import network_file_system, network_kind

TABLE: Final = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv/films rw - nfs4 nas:/films rw,vers=4.2
31 22 8:2 / /srv/films/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/with\040blank rw master:2 - cifs //nas/share rw
33 22 0:42 / /mnt/hidden rw - nfs nas:/old rw
34 33 8:3 / /mnt/hidden rw - ext4 /dev/sdc1 rw
a line that is none
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/a/ledger.db", None),
        ("/srv/films/.fetcher/ledger.db", "nfs4"),
        ("/srv/filmsy/ledger.db", None),
        ("/srv/films/local/ledger.db", None),
        ("/mnt/with blank/ledger.db", "cifs"),
        ("/mnt/hidden/ledger.db", None),
    ],
)
def test_the_innermost_and_latest_mount_decides(path: str, kind: str | None) -> None:
    """F75."""
    assert kind == network_kind(TABLE, Path(path))


def test_a_table_that_says_nothing_is_no_network() -> None:
    assert network_kind("", Path("/ledger.db")) is None


def test_a_local_directory_is_none(tmp_path: Path) -> None:
    assert network_file_system(tmp_path / "ledger.db") is None
