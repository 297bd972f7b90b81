"""The exit codes, and the one table from errors to codes."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from fetcher.domain import errors


class ExitCode(IntEnum):
    """What a command says to cron. Unknown codes count as failure."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    LATER = 3
    PERSON = 4
    AT_RISK = 5
    CREDENTIALS = 6
    STORAGE = 7
    STOPPED_BY_LIMIT = 8
    DAMAGE = 9
    LEDGER = 10
    BUSY = 11
    SIGINT = 130
    SIGTERM = 143


_GRAVEST_FIRST: Final = (
    ExitCode.SIGINT,
    ExitCode.SIGTERM,
    ExitCode.UNEXPECTED,
    ExitCode.CREDENTIALS,
    ExitCode.USAGE,
    ExitCode.LEDGER,
    ExitCode.STORAGE,
    ExitCode.LATER,
    ExitCode.PERSON,
    ExitCode.AT_RISK,
    ExitCode.DAMAGE,
    ExitCode.STOPPED_BY_LIMIT,
    ExitCode.BUSY,
    ExitCode.OK,
)

CODES: Final[Mapping[type[errors.FetcherError], ExitCode]] = {
    errors.UsageError: ExitCode.USAGE,
    errors.CredentialsRefusedError: ExitCode.CREDENTIALS,
    errors.StorageError: ExitCode.STORAGE,
    errors.LedgerError: ExitCode.LEDGER,
    errors.ArchiveBusyError: ExitCode.BUSY,
    errors.PolyvError: ExitCode.LATER,
    errors.TransferError: ExitCode.LATER,
    errors.OriginDeniesError: ExitCode.LATER,
    errors.StaleLeaseError: ExitCode.LATER,
    errors.ConflictError: ExitCode.PERSON,
}


def code_of(error: BaseException) -> ExitCode:
    """Return the exit code of *error*, by the nearest of its classes that the table has."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return ExitCode.UNEXPECTED


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the one of *codes* that counts, OK where there is none."""
    return min(codes, key=_GRAVEST_FIRST.index, default=ExitCode.OK)
