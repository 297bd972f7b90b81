"""What has to be true after every process, however it ended: the promise of the project, looked at from outside."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from simulation.ledger_view import LedgerView
from simulation.life import BUFFER, Ending, Plan
from simulation.world import World

from fetcher.domain.opening import OPENING

_RESTARTS: Final = (
    "body: flip",
    "range: ignored",
    "range: shifted",
    "range: no content-range",
    "range: 416",
    "life: died",
    "life: rival",
    "human: took it",
    "human: damaged it",
    "human: squatted",
)
"""What may cost all that has come of a file."""
_PAGES: Final = ("origin: page", "origin: gzip")
"""What costs all that has come where it came ten times, and a person said to go on."""
_CUTS: Final = (*_PAGES, "body: cut", "body: stall", "body: drip", "range: short", "range: crumbs", "life: stopped")
"""What may cost that only of a file that is too small for a memo, or whose rest nothing proves to be of it."""
_API_TROUBLE: Final = ("api: ", "row: ", "clock: ")
_ACCUSATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "vendor_failed": ("row: false FAIL",),
    "window_closed": ("window: closed",),
    "gone": ("origin: gone", "origin: 404"),
    "conflict": ("human: squatted",),
    "mismatch": ("body: flip",),
    "not_a_video": ("origin: page", "origin: gzip"),
    "never_prepared": ("clock: jumped", "row: vanished"),
}
"""What has to have happened to a video before it may be called failed for a reason."""
_TRIES: Final = 8
"""Requests for one question at the most: four tries, each sent again where the clock was wrong."""


class BrokenPromiseError(AssertionError):
    """An invariant is."""


class Invariants:
    """Looks after each process; remembers what must not be lost.

    Args:
        world: What really happened.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._vids: set[str] = set()
        self._tasks: set[str] = set()
        self.meddled: set[str] = set()
        """Videos whose finished file a person took or damaged since the last complete process."""
        self.squatters: dict[str, bytes] = {}
        """Files that a person put where a finished file belongs, by path."""

    def check(self, ledger: LedgerView, ending: Ending, plan: Plan) -> None:
        """Look at all that has to be true.

        Raises:
            BrokenPromiseError: Something is not.
        """
        for wrong in self._wrong(ledger, ending, plan):
            raise BrokenPromiseError(f"seed {self._world.seed}, {self._world.clock.now_s:.3f} s: {wrong}")

    def _wrong(self, ledger: LedgerView, ending: Ending, plan: Plan) -> Iterator[str]:
        if not (ending.is_dead or ending.had_rival):
            self.meddled.clear()
        yield from self._done(ledger, ending)
        yield from self._names(ledger, ending)
        yield from self._lost(ledger)
        yield from self._reasons(ledger)
        yield from self._history(ledger)
        yield from self._refusals(ledger)
        yield from self._bytes(ledger)
        yield from self._payments(ledger)
        yield from self._questions(ending, plan)
        if ending.is_dead or ending.had_rival:
            return  # Two at once may be in each other's way; what they must not do is above.
        if ending.error is not None:
            yield f"the run broke: {ending.error!r}"
        else:
            yield from self._exit_code(ledger, ending)
            yield from self._leftovers(ledger, ending)

    def _done(self, ledger: LedgerView, ending: Ending) -> Iterator[str]:
        """Nothing wrong is called done."""
        for vid in ledger.standing("done"):
            if vid in self.meddled:
                continue
            row = ledger.videos[vid]
            path = ending.home.root / row["path"]
            content = path.read_bytes() if path.is_file() else None
            if content is None:
                yield f"{vid} is done, and there is no file"
            elif content not in self._world.library.originals[vid].versions:
                yield f"{vid} is done, and its {len(content)} bytes are none of the origin's files"
            elif (len(content), hashlib.sha256(content).hexdigest()) != (row["size"], row["sha256"]):
                yield f"{vid} is done, and its row tells of other bytes"

    def _names(self, ledger: LedgerView, ending: Ending) -> Iterator[str]:
        """Nothing incomplete bears a final name, and what a person put there is kept."""
        of_paths = {row["path"]: vid for vid, row in ledger.videos.items()}
        for path in _files(ending.home.root):
            content = (ending.home.root / path).read_bytes()
            if path in self.squatters:
                if content != self.squatters[path]:
                    yield f"{path} was a person's file, and was overwritten"
            elif path not in of_paths:
                yield f"{path} belongs to no video"
            elif of_paths[path] not in self.meddled and content not in (
                self._world.library.originals[of_paths[path]].versions
            ):
                yield f"{path} bears a final name and is not complete"

    def _lost(self, ledger: LedgerView) -> Iterator[str]:
        """No row is lost."""
        if lost := self._vids - ledger.videos.keys() or self._tasks - ledger.tasks.keys():
            yield f"rows are gone: {sorted(lost)}"
        self._vids = set(ledger.videos)
        # An intent may have come to nothing, and may still be answered.
        self._tasks = {task for task, row in ledger.tasks.items() if row["task_id"] is not None}
        if strangers := self._vids - self._world.library.originals.keys():
            yield f"nobody knows {sorted(strangers)}"

    def _reasons(self, ledger: LedgerView) -> Iterator[str]:
        """No video is failed for what did not happen."""
        for vid in ledger.standing("failed"):
            reason = ledger.videos[vid]["reason"]
            if not self._world.weather.did(vid, *_ACCUSATIONS.get(reason, ())) and not self._happened(vid, reason):
                yield f"{vid} is failed, {reason}, and nothing of the kind happened: {ledger.videos[vid]['detail']}"

    def _happened(self, vid: str, reason: str) -> bool:
        """Tell whether the library itself made *reason* true."""
        library, now_s = self._world.library, self._world.clock.now_s
        rows = library.rows_of(vid)
        match reason:
            case "vendor_failed":
                return any(row.fails for row in rows)
            case "unstable" | "mismatch":
                return bool(library.originals[vid].changes_at)
            case "never_prepared":
                return now_s > 3 * 86_400 and not library.giving(vid, now_s)
            case "window_closed":
                return any(row.ready_at + 7 * 86_400 < now_s for row in rows)
        return False

    def _history(self, ledger: LedgerView) -> Iterator[str]:
        """The events lead without a gap to where each video stands."""
        at: dict[int, str] = {}
        for event in ledger.events:
            if event["from_status"] != at.get(event["video"], "wanted"):
                yield f"event {event['id']} begins at {event['from_status']}, the one before ended elsewhere"
            at[event["video"]] = event["to_status"]
        for vid, row in ledger.videos.items():
            if row["status"] != at.get(row["id"], "wanted"):
                yield f"{vid} is {row['status']}, its history ends at {at.get(row['id'])}"

    def _refusals(self, ledger: LedgerView) -> Iterator[str]:
        """A link is refused for good only where Polyv has no other."""
        world = self._world
        is_healthy = not any(kind.startswith(_API_TROUBLE) for kind in world.weather.struck)
        is_fresh = not world.library.sign_every_s
        for event in ledger.events:
            if event["kind"] != "LinkRefused" or not (is_healthy and is_fresh):
                continue
            vid = next(vid for vid, row in ledger.videos.items() if row["id"] == event["video"])
            if world.library.giving(vid, world.clock.now_s):
                yield f"{vid}: a link was given up as refused, and Polyv had another"

    def _bytes(self, ledger: LedgerView) -> Iterator[str]:
        """Nothing is downloaded without need.

        Whoever tries again while a squatter stands under the final name downloads again; and what broke off before
        its opening could be looked at has been written nowhere.
        """
        world = self._world
        for vid, served in world.cdn.tally.served.items():
            original = world.library.originals[vid]
            size = max(map(len, original.versions))
            reasons = world.weather.did(vid, *_RESTARTS) + len(original.changes_at)
            reasons += world.weather.did(vid, *_PAGES) // 10 + _conflicts(ledger, vid)
            spare = OPENING * world.weather.did(vid, *_CUTS)
            if min(map(len, original.versions)) < BUFFER or not original.is_provable:
                reasons += world.weather.did(vid, *_CUTS)
            if served > size * (1 + reasons) + spare:
                yield f"{vid}: {served} bytes came of {size}, with {reasons} reasons to begin anew"

    def _payments(self, ledger: LedgerView) -> Iterator[str]:
        """No video is asked for twice within its window, and every task that was made is known or known as lost."""
        if self._world.weather.struck["clock: jumped"]:
            return  # Windows are counted by this machine's clock.
        last: dict[str, float] = {}
        for at_s, vid, days in self._world.polyv.made:
            if at_s < last.get(vid, at_s):
                yield f"{vid} was asked for twice within its window"
            last[vid] = at_s + days * 86_400
        asked = {item["video"] for item in ledger.items}
        if unknown := [vid for vid in last if ledger.videos[vid]["id"] not in asked]:
            yield f"asked for, and nothing in the ledger tells of it: {unknown}"

    def _questions(self, ending: Ending, plan: Plan) -> Iterator[str]:
        """Polyv is not asked without need."""
        world = self._world
        lasted_s = world.clock.now_s - ending.began_s
        asked = sum(at_s >= ending.began_s for at_s, _ in world.polyv.asked)
        refused = sum(visit.at_s >= ending.began_s and visit.refused for visit in world.cdn.tally.visits)
        denied = world.weather.struck["link: denied"] + world.weather.struck["origin: 404"]
        gone = world.weather.struck["origin: gone"]
        rounds = 2 + lasted_s / (0.9 * plan.settings.poll_interval) + refused + denied + gone
        rounds += len(world.library.originals)  # Each may have a link to another node asked for, once.
        most = _TRIES * len(world.library.tasks) * rounds
        if asked > most and not ending.had_rival:
            yield f"Polyv was asked {asked} times in {lasted_s:.1f} s, {most:.0f} would do"

    def _exit_code(self, ledger: LedgerView, ending: Ending) -> Iterator[str]:
        """Cron hears of everything that is not as it has to be."""
        assert ending.summary is not None
        code = int(ending.summary.exit_code)
        rejected = ending.summary.tasks_rejected
        wrong = ledger.standing("ready", "failed") + ["a task given up"] * rejected
        if code == 0 and wrong:
            yield f"exit code 0 with {wrong}"
        if code != 0 and not wrong and not self._is_any_trouble(ending):
            yield f"exit code {code}, and nothing is wrong"
        if code != ledger.runs[-1]["exit_code"] and ending.summary.stopped_by is None:
            yield f"exit code {code}, the ledger says {ledger.runs[-1]['exit_code']}"
        counts = Counter(row["status"] for row in ledger.videos.values())
        if +Counter(ending.summary.counts) != counts:
            yield f"the summary counts {ending.summary.counts}, the ledger has {counts}"

    def _is_any_trouble(self, ending: Ending) -> bool:
        summary = ending.summary
        return summary is not None and bool(
            summary.polls_failed
            or summary.links_refused
            or summary.error
            or summary.stopped_by
            or summary.tasks_lost
            or summary.asks_failed
        )

    def _leftovers(self, ledger: LedgerView, ending: Ending) -> Iterator[str]:
        """No claim and no part is left of what is over."""
        if held := [vid for vid, row in ledger.videos.items() if row["lease_owner"] is not None]:
            yield f"still claimed: {held}"
        if stuck := [vid for vid in ledger.standing("waiting") if not ledger.is_asked_about(vid)]:
            yield f"they wait, and nobody asks about them: {stuck}"
        numbers = {str(row["id"]): vid for vid, row in ledger.videos.items()}
        for name in sorted(os.listdir(ending.home.parts)):
            vid = numbers.get(name.partition("-")[0])
            if vid is None or ledger.videos[vid]["status"] == "done":
                yield f"{name} is left among the parts"


def _files(root: Path) -> Iterator[str]:
    """Yield what stands outside of the archive's own directory, below *root*."""
    for directory, directories, files in os.walk(root):
        if Path(directory) == root:
            directories.remove(".fetcher")
        yield from (str(Path(directory, name).relative_to(root)) for name in files)


def _conflicts(ledger: LedgerView, vid: str) -> int:
    """Return how often a video met other bytes under its final name."""
    video_id = ledger.videos[vid]["id"] if vid in ledger.videos else None
    return sum(
        event["kind"] == "GivenUp" and event["video"] == video_id and (event["detail"] or "").startswith("conflict")
        for event in ledger.events
    )
