"""Names in the environment that look like settings and are none."""

from collections.abc import Mapping
from typing import Final

_PREFIX: Final = "FETCHER_"
_ARCHIVE: Final = "FETCHER_ARCHIVE"


def tell_unknown(environ: Mapping[str, str]) -> None:
    """Warn of each ``FETCHER_`` variable that nothing reads: a typo would else pass for the default."""
    odd = [name for name, value in environ.items() if name.startswith(_PREFIX) and name != _ARCHIVE and value]
    if not odd:  # As most often, from cron; the settings are then not loaded for this alone.
        return
    from fetcher.settings import VARIABLES

    known = {*VARIABLES, _ARCHIVE}
    for name in sorted(set(odd) - known):
        _tell(name, known)


def _tell(name: str, known: set[str]) -> None:
    import difflib
    import logging

    from fetcher.domain.identifiers import printable

    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    meant = f"; is {nearest[0]} meant?" if nearest else "; README.md names all settings"
    logging.getLogger(__name__).warning("%s in the environment is no setting%s", printable(name, limit=60), meant)
