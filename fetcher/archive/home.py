"""Where an archive is: a directory with ``.fetcher/`` in it."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fetcher.archive.drafts import sync_directory
from fetcher.archive.space import disk_errors
from fetcher.domain.errors import StorageError, UsageError

DOT: Final = ".fetcher"


@dataclass(frozen=True, slots=True)
class Home:
    """The places of one archive."""

    root: Path
    """Absolute; the finished files are below it."""

    @property
    def dot(self) -> Path:
        """What is fetcher's own: config, ledger, lock, parts."""
        return self.root / DOT

    @property
    def config(self) -> Path:
        """The annotated settings."""
        return self.dot / "config.toml"

    @property
    def ledger(self) -> Path:
        """The SQLite ledger, where no other is configured."""
        return self.dot / "ledger.db"

    @property
    def lock(self) -> Path:
        """Held by the one run that may write the archive."""
        return self.dot / "lock"

    @property
    def parts(self) -> Path:
        """Files on their way, one per video."""
        return self.dot / "parts"

    @property
    def quarantine(self) -> Path:
        """Files that are not what they have to be, kept for a person to look at."""
        return self.dot / "quarantine"


def find_home(named: str | None, *, start: Path) -> Home:
    """Return the archive *named*, or the nearest one from *start* upwards.

    Raises:
        UsageError: There is none: never set up, or its disk is not mounted. Nothing was touched.
    """
    if named is not None:
        home = Home((start / named).resolve())
        if not os.path.isdir(home.dot):
            raise UsageError(
                f"{home.root} is no archive: it has no {DOT}/. "
                "Is its disk mounted? 'fetcher init DIR' makes a new one."
            )
        return home
    for directory in (start, *start.parents):
        if os.path.isdir(directory / DOT):
            return Home(directory)
    raise UsageError(
        f"no archive here: {start} and the directories above have no {DOT}/. "
        "Name one with --archive or FETCHER_ARCHIVE, or make one with 'fetcher init DIR'."
    )


def create_home(directory: Path, *, config: str, prepare: Callable[[Home], None] | None = None) -> Home:
    """Make an archive of *directory*: ``.fetcher/`` (0700) with *config* (0600) and room for parts.

    The config is written last: it is there once all is, so that one that was broken off can be made again. All is
    durable on return, or a power cut could take a ledger with what was added to it.

    Args:
        directory: Where.
        config: The text of the settings.
        prepare: Makes the ledger, where it is not there yet.

    Raises:
        UsageError: It is an archive already.
        StorageError: It cannot be written.
    """
    try:
        home = Home(directory.resolve())
    except OSError as exc:
        raise UsageError(
            f"{directory} is no place to be found: {exc.strerror}. Name it with its whole path."
        ) from exc
    try:
        if home.config.exists():
            raise UsageError(f"{home.root} is an archive already. Nothing was changed.")
        made = [directory for directory in (home.root, *home.root.parents) if not directory.exists()]
        home.root.mkdir(parents=True, exist_ok=True)
        for own in (home.dot, home.parts, home.quarantine):
            own.mkdir(mode=0o700, exist_ok=True)
            own.chmod(0o700)
        if prepare is not None:
            prepare(home)
        _write_private(home.config, config)
        for changed in (home.dot, home.root, *(one.parent for one in made)):
            _flush(changed)
    except OSError as exc:
        raise StorageError(f"cannot make an archive in {home.root}: {exc.strerror}. Choose another place.") from exc
    return home


def make_whole(home: Home) -> None:
    """Make what directories of its own an archive lacks: many programs copy none that is empty.

    Raises:
        StorageError: One cannot be made, or something else has its name.
    """
    for own in (home.parts, home.quarantine):
        if not own.is_dir():
            with disk_errors(f"making {own}"):
                own.mkdir(mode=0o700)


def _write_private(path: Path, text: str) -> None:
    """Write a file under another name first: half a config would pass for an archive that is made."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)  # Of a process that was killed.
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _flush(directory: Path) -> None:
    """Make the names in *directory* durable; somebody else's that may be written and not read is left as it is."""
    with contextlib.suppress(PermissionError):
        sync_directory(directory)


def loose_permissions(home: Home) -> list[Path]:
    """Return which of the archive's own files others may read or write."""
    found = []
    for path in (home.dot, home.config, home.ledger):
        with contextlib.suppress(OSError):
            if path.stat().st_mode & 0o077:
                found.append(path)
    return found
