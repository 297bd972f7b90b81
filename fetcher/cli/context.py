"""What every command is called with: the archive, the environment, how much to say."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetcher.archive.home import Home
    from fetcher.cli.stopping import Signals
    from fetcher.ledger.engine import Database
    from fetcher.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One call of the command line."""

    archive: str | None
    environ: Mapping[str, str]
    verbosity: int
    """-1 quiet, 0 default, 1 and more verbose."""
    log_format: str
    signals: Signals

    @property
    def is_told_of_success(self) -> bool:
        """Whether somebody wants to hear that all went well: at a terminal, or with -v; cron does not."""
        return self.verbosity > 0 or self.is_shown_progress

    @property
    def is_shown_progress(self) -> bool:
        """Whether somebody sees bars: nobody with -q, and nobody where no terminal is."""
        return self.verbosity >= 0 and sys.stderr is not None and sys.stderr.isatty()

    def home(self) -> Home:
        """Return the archive.

        Raises:
            UsageError: There is none.
        """
        from pathlib import Path

        from fetcher.archive.home import find_home
        from fetcher.domain.errors import UsageError

        try:
            start = Path("/" if self.archive and Path(self.archive).is_absolute() else Path.cwd())
        except OSError:
            raise UsageError("the current directory is gone; name the archive with its whole path") from None
        return find_home(self.archive, start=start)

    def settings(self, home: Home, **flags: Any) -> Settings:
        """Return the archive's settings.

        Raises:
            UsageError: One cannot be used.
        """
        from fetcher.settings import load_settings

        return load_settings(home, self.environ, flags)

    def ledger(self, home: Home) -> Database:
        """Return the archive's ledger, opened.

        Raises:
            LedgerError: It cannot be used.
        """
        from fetcher.ledger.opening import open_ledger

        settings = self.settings(home)
        return open_ledger(settings.ledger_path(home), on_network=settings.ledger_on_network)
