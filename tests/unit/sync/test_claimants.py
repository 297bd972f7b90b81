"""Which of the files that say they are of one video is that video's."""

import msgspec
import pytest

from fetcher.archive.told import Sidecar
from fetcher.ledger.findings import Found
from fetcher.sync.claimants import verdict

_VID = "1b448be32370f4822ac40fd926112a66_1"
_RIGHT, _WRONG = "a" * 64, "b" * 64


def _file(path: str, *, said: str | None = None, at: str | None = None, sha256: str | None = _RIGHT) -> Found:
    """Return a file; *said* is the digest in its sidecar, *at* the path there."""
    told = None
    if said is not None:
        told = msgspec.json.encode(Sidecar(vid=_VID, path=at or path, size=5, sha256=said)).decode()
    return Found(
        path=path,
        path_key=path,
        vid=_VID,
        told=told,
        done_at=None,
        size=5,
        stamp="1",
        sha256=sha256,
        container="mp4",
    )


_AGREES, _DIFFERS, _ALONE = (_file("agrees", said=_RIGHT), _file("differs", said=_WRONG), _file("alone"))
_MOVED = _file("moved", said=_RIGHT, at="agrees")
_AWAY = _file("away", said=_RIGHT, at="elsewhere")
_UNREAD = _file("unread", sha256=None)


@pytest.mark.parametrize(
    ("files", "taken", "told"),
    [
        ([_AGREES], "agrees", {}),
        ([_ALONE], "alone", {}),
        ([_MOVED], "moved", {}),
        ([_DIFFERS], None, {"differs": "differs"}),
        ([_UNREAD], None, {"unread": "unreadable"}),
        ([_AGREES, _ALONE], "agrees", {"alone": "double"}),
        ([_AGREES, _DIFFERS], "agrees", {"differs": "differs"}),
        ([_AGREES, _MOVED], "agrees", {"moved": "double"}),
        ([_MOVED, _AWAY], None, {"moved": "double", "away": "double"}),
        ([_ALONE, _file("also")], None, {"alone": "double", "also": "double"}),
        ([_ALONE, _DIFFERS], None, {"alone": "double", "differs": "differs"}),
        ([_ALONE, _UNREAD], None, {"alone": "double", "unread": "unreadable"}),
    ],
)
def test_it_is_the_one_that_is_proven_or_the_only_one(
    files: list[Found], taken: str | None, told: dict[str, str]
) -> None:
    """Each of the others is told, once; in whatever order they come."""
    for some in (files, files[::-1]):
        found = verdict(some)

        assert taken == (found.taken and found.taken.path)
        assert told == {one.path: one.kind.value for one in found.findings}
        assert len(told) == len(found.findings)
        doubles = [one for one in found.findings if one.kind == "double"]
        assert all((taken is not None) == one.is_settled for one in doubles)
