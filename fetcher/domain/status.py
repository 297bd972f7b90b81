"""Where a video and a task stand, and why a video needs a person."""

from enum import StrEnum


class Status(StrEnum):
    """Where a video stands. None of these needs a living process to stay true."""

    WANTED = "wanted"
    """Chosen, not asked of Polyv yet."""
    WAITING = "waiting"
    """Polyv prepares it, or has to give a fresh link."""
    READY = "ready"
    """A link is known."""
    DONE = "done"
    """Verified, in place, and on the disk for good."""
    FAILED = "failed"
    """Needs a person; the reason says what for."""


class Reason(StrEnum):
    """Why a video is ``failed``: a closed list."""

    VENDOR_FAILED = "vendor_failed"
    """Polyv answered FAIL in every task that names the video."""
    WINDOW_CLOSED = "window_closed"
    """The thawed file has gone cold again: submit it once more."""
    NEVER_PREPARED = "never_prepared"
    """Polyv did not get ready within ``give_up_after``."""
    REFUSED_BY_POLYV = "refused_by_polyv"
    """Polyv refuses to make a task for it: the id is wrong, another account's, or not published."""
    GONE = "gone"
    """The origin does not know the file any more (401, 404 or 410, twice)."""
    CONFLICT = "conflict"
    """Other bytes stand under the final name."""
    MISMATCH = "mismatch"
    """Size or digest were wrong more than once, by the origin's word or by Polyv's."""
    NOT_A_VIDEO = "not_a_video"
    """Ten tries met a page, an empty or an encoded body, or a strange certificate."""
    UNSTABLE = "unstable"
    """The file under the link changes from one try to the next."""
    UNSAFE_LINK = "unsafe_link"
    """The link or a redirect must not be followed."""
    EMPTY = "empty"
    """Polyv and the origin agree that the source has no byte."""


class TaskStatus(StrEnum):
    """Where a task stands."""

    SUBMITTING = "submitting"
    """About to be asked of Polyv; the answer is not known yet."""
    OPEN = "open"
    """Some of its videos are still prepared."""
    FINISHED = "finished"
    """Polyv said SUCCESS or FAIL of every video."""
    LOST = "lost"
    """Asked of Polyv, but the answer with its id never came."""
    REJECTED = "rejected"
    """Polyv knows nothing of it, for longer than ``give_up_after``."""


class Preparation(StrEnum):
    """What Polyv says of one video in one task.

    Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_get
    """

    INIT = "INIT"
    PROCESS = "PROCESS"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    """Anything else: kept as it came, asked again, never taken for an end."""


class Evidence(StrEnum):
    """What a done file was verified against, strongest first."""

    MD5 = "md5"
    CRC64 = "crc64"
    REPR_DIGEST = "repr-digest"
    CONTENT_MD5 = "content-md5"
    SIZE = "size"
    NONE = "none"
