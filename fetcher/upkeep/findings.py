"""What is told of a file that is not as it has to be."""

from dataclasses import dataclass
from enum import StrEnum

from fetcher.domain.identifiers import printable
from fetcher.domain.verification import DoneFile, Kind, Verdict


class Action(StrEnum):
    """What was done about it, or would be."""

    PUT_BACK = "put_back"
    """The video is wanted again."""
    ACCEPTED = "accepted"
    """The ledger has the new path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One file."""

    kind: Kind
    vid: str | None = None
    path: str
    """Below the archive, as the ledger has it; of a file that no video has, where it is."""
    moved_to: str | None = None
    """Where the same bytes are now."""
    detail: str
    action: Action | None = None


def finding_of(
    done: DoneFile, verdict: Verdict, *, moved_to: str | None = None, action: Action | None = None
) -> Finding:
    """Return what is told of a done file."""
    return Finding(
        kind=verdict.kind, vid=done.vid, path=done.path, moved_to=moved_to, detail=verdict.detail, action=action
    )


def finding_row(finding: Finding) -> dict[str, str | None]:
    """Return a finding as it is shown to programs."""
    return {
        "type": "file",
        "kind": finding.kind.value,
        "vid": finding.vid,
        "path": _utf8(finding.path),
        "moved_to": None if finding.moved_to is None else _utf8(finding.moved_to),
        "detail": _utf8(finding.detail),
        "action": finding.action and finding.action.value,
    }


def finding_line(finding: Finding, *, is_dry: bool) -> str:
    """Return a finding as it is shown to people.

    Args:
        finding: What was found.
        is_dry: Whether its action would be taken only.
    """
    where = " ".join(printable(one) for one in (finding.vid, finding.path) if one is not None)
    would = "would be " if is_dry else ""
    done = f"; {would}{finding.action.value.replace('_', ' ')}" if finding.action else ""
    return f"{finding.kind.value:10}  {where}: {printable(finding.detail, limit=400)}{done}"


def _utf8(text: str) -> str:
    """Return a file's name as text: somebody else's need not be any."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
