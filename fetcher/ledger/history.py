"""What the history of a video says of each event."""

from fetcher.domain import events as happened
from fetcher.domain.link import without_secret


def told_of(event: happened.Event) -> str | None:
    """Return what the history says of *event*, for a person: never a link."""
    told: str | None = None
    match event:
        case happened.TaskNamed(task_id=task_id) | happened.PreparationFailed(task_id=task_id):
            told = f"task {task_id}"
        case happened.LinkPublished(task_id=task_id, link=link):
            told = f"task {task_id}: {without_secret(link.url)}"
        case happened.FileVerified():
            how = "adopted" if event.adopted else f"{event.fetched} bytes fetched"
            told = f"{event.size} bytes, sha256 {event.sha256}, evidence {event.evidence}, {how}"
            told = told if event.difference is None else f"{told}; kept, although {event.difference}"
        case happened.GivenUp(reason=reason, detail=detail):
            told = f"{reason}: {detail}"
        case happened.LinkRefused(detail=detail) | happened.TransferFailed(detail=detail):
            told = detail
        case happened.FileMissing(detail=detail) | happened.FileDamaged(detail=detail):
            told = detail
        case happened.WindowClosed(detail=detail):
            told = detail
        case happened.FileMoved(path=path, before=before):
            told = f"{before} is {path} now"
    return told
