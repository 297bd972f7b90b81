"""Files on the shelf: the simulator's videos, their bytes where nginx serves them, and the links to them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.files import FileSet, write_random
from fetcher.simulator.server import Simulator

_TASK_SIZE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One file that is to be fetched."""

    vid: str
    path: str
    """On the origin, relative."""
    link: str
    """Signed; it expires."""
    sha256: str

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


class Shelf:
    """One set of files, stocked.

    Attributes:
        simulator: Which shows the links.
        files: What is on the shelf.
        content: The directory that the origin serves.
        task_ids: Of tasks that name all files.
    """

    def __init__(self, simulator: Simulator, files: FileSet, content: Path) -> None:
        self.simulator = simulator
        self.files = files
        self.content = content
        self._videos = [simulator.library.add_video(size=files.size) for _ in range(files.count)]
        self._digests = {video.vid: write_random(content / video.path[1:], video.size) for video in self._videos}
        vids = [video.vid for video in self._videos]
        self.task_ids = [
            simulator.library.create_task(vids[start : start + _TASK_SIZE])
            for start in range(0, len(vids), _TASK_SIZE)
        ]

    def path(self, number: int) -> str:
        """Return the path on the origin of the file *number*, from 0."""
        return self._videos[number].path

    def wanted(self, base: str) -> list[Wanted]:
        """Return all files with fresh links to the origin at *base* (scheme, host, port).

        From now on the simulator's tasks show links to there, too.
        """
        self.simulator.link_base = base
        return [
            Wanted(
                vid=video.vid,
                path=video.path[1:],
                link=self.simulator.link(self.task_ids[number // _TASK_SIZE], video),
                sha256=self._digests[video.vid],
            )
            for number, video in enumerate(self._videos)
        ]
