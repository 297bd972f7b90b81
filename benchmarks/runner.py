"""What every program that fetches the files has in common."""

import hashlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measure import Steps
from benchmarks.shelf import Wanted

JOBS: Final = 8
"""Files at once, for all of them."""


class WrongResultError(Exception):
    """A program ended well and left other files than those that were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One run of one program.

    Attributes:
        files: What is to be fetched.
        base: Scheme, host and port of the origin.
        content: The directory that the origin serves, for the program that copies.
        authority: The certificate that is to be trusted, PEM.
        target: An empty directory; the files end there.
        notes: A directory for lists and settings.
    """

    files: Sequence[Wanted]
    base: str
    content: Path
    authority: Path
    target: Path
    notes: Path

    def environ(self) -> dict[str, str]:
        """Return what a program sees of an environment: no settings of the person who measures."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self.notes),
            "SSL_CERT_FILE": str(self.authority),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a program says of one file that it has fetched."""

    path: str
    """Where it is, below the target."""
    sha256: str


class Runner(ABC):
    """A program, or several one after the other, that fetch files and compute SHA-256 of each.

    Attributes:
        name: As the table calls it.
        programs: What has to be installed.
    """

    name: str
    programs: Sequence[str]

    def is_installed(self) -> bool:
        """Tell whether all that it takes is there."""
        return all(shutil.which(program) for program in self.programs)

    @abstractmethod
    def steps(self, one: Round) -> Steps:
        """Prepare a run, which costs nothing, and return the commands that are measured."""

    @abstractmethod
    def told(self, one: Round, stdout: str) -> Mapping[str, Told]:
        """Return what the program says that it has fetched, by vid.

        Raises:
            WrongResultError: It cannot be asked.
        """

    def environ(self, one: Round) -> dict[str, str]:
        """Return the environment of the steps."""
        return one.environ()


def require_right(one: Round, told: Mapping[str, Told]) -> None:
    """See that every file was fetched: by what the program says, and by what its bytes are, whoever told that.

    Raises:
        WrongResultError: It is not so.
    """
    expected = {file.vid: file.sha256 for file in one.files}
    if {vid: file.sha256 for vid, file in told.items()} != expected:
        raise WrongResultError(f"of {len(expected)} files, {len(told)} were told, not all with the right digest")
    for file in told.values():
        if _sha256_of(one.target / file.path) != file.sha256:
            raise WrongResultError(f"{file.path} is not there, or not what its digest says")


def _sha256_of(path: Path) -> str | None:
    """Return a file's digest in hex, None where there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
