"""The programs that people know: each fetches the files at most eight at once, each gives SHA-256 of every file.

None of them resumes, keeps a ledger or calls fsync; their figures are without what that costs.
"""

import re
from collections.abc import Mapping
from typing import Final

from benchmarks.measure import Steps
from benchmarks.runner import JOBS, Round, Runner, Told

_DIGEST: Final = re.compile(r"([0-9a-f]{64}) [ *](\S+)")


class _Summed(Runner):
    """A program that is followed by ``sha256sum`` over all files."""

    is_flat = True

    def steps(self, one: Round) -> Steps:
        """Fetch, then sum."""
        names = [file.name if self.is_flat else file.path for file in one.files]
        return [self.fetch(one), ["sha256sum", *names]]

    def fetch(self, one: Round) -> list[str]:
        """Return the command that fetches."""
        raise NotImplementedError

    def told(self, one: Round, stdout: str) -> Mapping[str, Told]:
        """Read what sha256sum said."""
        vids = {file.name if self.is_flat else file.path: file.vid for file in one.files}
        return {vids[name]: Told(path=name, sha256=digest) for digest, name in _DIGEST.findall(stdout)}


class Curl(_Summed):
    """Eight transfers at once in one process, from a list."""

    name = "curl, sha256sum"
    programs = ("curl", "sha256sum")

    def fetch(self, one: Round) -> list[str]:
        """Write the list."""
        listed = one.notes / "curl.txt"
        listed.write_text("".join(f'url = "{file.link}"\noutput = "{file.name}"\n' for file in one.files))
        options = ["--parallel", "--parallel-max", str(JOBS), "--fail", "--silent", "--show-error"]
        return ["curl", *options, "--cacert", str(one.authority), "--config", str(listed)]


class CurlOpenssl(Curl):
    """As before, with a digest that uses the processor's own instructions, which Debian 12's sha256sum does not."""

    name = "curl, openssl sha256"
    programs = ("curl", "openssl")

    def steps(self, one: Round) -> Steps:
        """Fetch, then sum in the form of sha256sum."""
        return [self.fetch(one), ["openssl", "dgst", "-sha256", "-r", *(file.name for file in one.files)]]


class Aria2(Runner):
    """Eight downloads at once; it reads each file again for its checksum, which it is told."""

    name = "aria2c, checksum"
    programs = ("aria2c",)

    def steps(self, one: Round) -> Steps:
        """Write the list with its checksums."""
        listed = one.notes / "aria2.txt"
        listed.write_text(
            "".join(f"{file.link}\n out={file.name}\n checksum=sha-256={file.sha256}\n" for file in one.files)
        )
        options = ["--no-conf", "-q", f"-j{JOBS}"]
        return [["aria2c", *options, f"--ca-certificate={one.authority}", f"--input-file={listed}"]]

    def told(self, one: Round, stdout: str) -> Mapping[str, Told]:
        """Return what it was told: that it ended well says that all digests were right."""
        del stdout
        return {file.vid: Told(path=file.name, sha256=file.sha256) for file in one.files}


class Rclone(_Summed):
    """Eight transfers at once; it asks for each file by HEAD first, and has no use for the signed query."""

    name = "rclone, sha256sum"
    programs = ("rclone", "sha256sum")
    is_flat = False

    def fetch(self, one: Round) -> list[str]:
        """Write the list."""
        listed = one.notes / "rclone.txt"
        listed.write_text("".join(f"{file.path}\n" for file in one.files))
        options = ["--config", "", "--transfers", str(JOBS), "--checkers", str(JOBS), "--no-traverse"]
        trust = ["--ca-cert", str(one.authority)]
        return [
            "rclone",
            "copy",
            "--http-url",
            one.base,
            *options,
            *trust,
            "--files-from-raw",
            str(listed),
            ":http:",
            ".",
        ]


class Wget2(_Summed):
    """Eight threads, from a list."""

    name = "wget2, sha256sum"
    programs = ("wget2", "sha256sum")
    is_flat = False

    def fetch(self, one: Round) -> list[str]:
        """Write the list."""
        listed = one.notes / "wget2.txt"
        listed.write_text("".join(f"{file.link}\n" for file in one.files))
        options = "--no-config --quiet --no-robots --no-hsts --no-ocsp --cut-file-get-vars".split()
        names = ["--force-directories", "--no-host-directories"]
        trust = f"--ca-certificate={one.authority}"
        return ["wget2", *options, *names, f"--max-threads={JOBS}", trust, f"--input-file={listed}"]


class Copy(_Summed):
    """No network at all: the limit that a disk and a digest set to whoever does one after the other."""

    name = "cp, sha256sum"
    programs = ("cp", "sha256sum")
    is_flat = False

    def fetch(self, one: Round) -> list[str]:
        """Copy what the origin serves."""
        return ["cp", "-R", f"{one.content}/.", "."]


PEERS: Final[Mapping[str, Runner]] = {
    "curl": Curl(),
    "curl-openssl": CurlOpenssl(),
    "aria2c": Aria2(),
    "rclone": Rclone(),
    "wget2": Wget2(),
    "cp": Copy(),
}
