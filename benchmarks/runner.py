"""What every program that fetches the files has in common."""

import os
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


class Runner(ABC):
    """A program, or several one after the other, that fetch files and compute SHA-256 of each.

    Attributes:
        name: As the table calls it.
        program: What has to be installed.
    """

    name: str
    program: str

    @abstractmethod
    def steps(self, one: Round) -> Steps:
        """Prepare a run, which costs nothing, and return the commands that are measured."""

    @abstractmethod
    def digests(self, one: Round, stdout: str) -> Mapping[str, str]:
        """Return what the program says that it has fetched: digests, by vid.

        Raises:
            WrongResultError: A file is not where it should be or has another size.
        """

    def environ(self, one: Round) -> dict[str, str]:
        """Return the environment of the steps."""
        return one.environ()


def require_right(one: Round, digests: Mapping[str, str]) -> None:
    """See that every file was fetched and has the right digest.

    Raises:
        WrongResultError: It is not so.
    """
    if digests != {file.vid: file.sha256 for file in one.files}:
        raise WrongResultError(
            f"of {len(one.files)} files, {len(digests)} were told, not all with the right digest"
        )
