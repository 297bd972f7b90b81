"""Settings: flags before environment before config file before defaults, all checked into one frozen value."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from fetcher.archive.home import Home
from fetcher.archive.names import require_layout
from fetcher.domain.errors import UsageError
from fetcher.domain.link import is_loopback
from fetcher.domain.quantities import parse_size
from fetcher.domain.vendor import Mismatch
from fetcher.transfer.pace import jobs_within

_PREFIX: Final = "FETCHER_"
_UNKNOWN: Final = "Object contains unknown field "
"""What msgspec says of a name that is no setting's."""
_HOURS_72: Final = 72 * 3600
_TEN_YEARS: Final = 315_360_000
_LONGEST_CONFIG: Final = 65_536
"""Bytes; some fifty times what it is with every comment."""

_Seconds = Annotated[float, msgspec.Meta(gt=0, le=31_536_000)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run works with. The names are those of ``config.toml`` and, in capitals, of the environment.

    SETTING_HELP says what each one means.
    """

    api_url: str = "https://api.polyv.net"
    app_id: str = ""
    app_secret_file: str = ""
    user_id: str = ""
    user_secret_file: str = ""
    ledger: str = ""
    ledger_on_network: bool = False
    jobs: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    jobs_max: Annotated[int, msgspec.Meta(ge=1, le=64)] = 32
    limit_rate: str = ""
    poll_interval: _Seconds = 60
    poll_interval_max: _Seconds = 1800
    give_up_after: Annotated[float, msgspec.Meta(ge=_HOURS_72, le=_TEN_YEARS)] = 7 * 86_400
    link_lifetime: Annotated[int, msgspec.Meta(ge=1, le=31_536_000)] = 1800
    stall_seconds: _Seconds = 60
    min_free: str = "1G"
    retry_delay: _Seconds = 1
    tries: Annotated[int, msgspec.Meta(ge=1, le=100)] = 6
    expire_days: Annotated[int, msgspec.Meta(ge=1, le=7)] = 7
    resubmit_expired: bool = False
    thaw_budget: str = ""
    layout: str = "{vid}{ext}"
    sidecars: bool = False
    metrics_file: str = ""
    ask_sizes: bool = True
    mismatch: Mismatch = Mismatch.QUARANTINE

    @property
    def reserve(self) -> int:
        """``min_free`` in bytes."""
        return parse_size(self.min_free)

    @property
    def bytes_per_s(self) -> int | None:
        """``limit_rate`` in bytes a second, None for no limit."""
        return parse_size(self.limit_rate) if self.limit_rate else None

    @property
    def places(self) -> int:
        """Downloads at a time to begin with: ``jobs``, or as many as ``limit_rate`` serves."""
        return jobs_within(self.bytes_per_s, self.jobs)

    @property
    def thaw_bytes(self) -> int | None:
        """``thaw_budget`` in bytes, None where it follows from the line."""
        return parse_size(self.thaw_budget) if self.thaw_budget else None

    def ledger_path(self, home: Home) -> Path:
        """Return where the ledger is; a relative setting counts from the archive."""
        return home.root / self.ledger if self.ledger else home.ledger

    def metrics_path(self, home: Home) -> Path | None:
        """Return where numbers for Prometheus are written, None for nowhere; counts from the archive, too."""
        return home.root / self.metrics_file if self.metrics_file else None

    @property
    def is_api_here(self) -> bool:
        """Whether the API is on this machine, so that links may be, too."""
        return is_loopback(urlsplit(self.api_url).hostname or "")


VARIABLES: Final[Mapping[str, str]] = {f"{_PREFIX}{name.upper()}": name for name in Settings.__struct_fields__}
"""The settings by what they are called in the environment."""


def load_settings(home: Home, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Return the settings of an archive.

    Args:
        home: Where its config is; a missing one means defaults.
        environ: ``FETCHER_JOBS`` and the like.
        flags: By setting; None where not given.

    Raises:
        UsageError: A value or a name is wrong; the text names the place.
    """
    settings = Settings()
    for where, values in (
        (f"in {home.config}", _config(home.config)),
        ("in the environment", _environment(environ)),
        ("on the command line", {name: value for name, value in flags.items() if value is not None}),
    ):
        settings = _merged(settings, values, where)
    return settings


def _config(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST_CONFIG + 1)
        if len(text) > _LONGEST_CONFIG:
            raise UsageError(f"{path} is longer than any configuration. Mend it and run again.")
        return tomllib.loads(text.decode("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except RecursionError:
        raise UsageError(f"{path} is no TOML: it is nested too deeply. Mend it and run again.") from None
    except ValueError as exc:  # Its own error is one, and so is a number of too many digits.
        raise UsageError(f"{path} is no TOML: {exc}. Mend it and run again.") from exc
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror}.") from exc


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {VARIABLES[name]: value for name, value in environ.items() if name in VARIABLES and value != ""}


def _merged(settings: Settings, values: Mapping[str, Any], where: str) -> Settings:
    texts = {
        name: str(value) if _is_text(name) and isinstance(value, int) else value for name, value in values.items()
    }
    try:
        merged = msgspec.convert({**msgspec.structs.asdict(settings), **texts}, Settings, strict=False)
        if "jobs_max" not in values and merged.jobs > merged.jobs_max:
            merged = msgspec.structs.replace(merged, jobs_max=merged.jobs)
        _require_usable(merged)
    except (msgspec.ValidationError, ValueError, UsageError) as exc:
        raise UsageError(
            f"a setting {where} cannot be used: {_named(str(exc))} (.fetcher/config.toml names all of them)."
        ) from exc
    return merged


def _named(text: str) -> str:
    """Put the setting's name before what msgspec says of it, ``Expected `int` - at `$.jobs```."""
    what, _, where = text.replace("`", "").partition(" - at $.")
    if what.startswith(_UNKNOWN):
        return _unknown(what.removeprefix(_UNKNOWN))
    return f"{where}: {what}" if where else what


def _unknown(name: str) -> str:
    """Say of a name that it is no setting, and which one may be meant."""
    import difflib  # noqa: PLC0415 - only a typo needs it

    nearest = difflib.get_close_matches(name, Settings.__struct_fields__, n=1, cutoff=0.7)
    return f"{name} is no setting" + (f"; is {nearest[0]} meant?" if nearest else "")


def _require_usable(settings: Settings) -> None:
    """Raise for what the types cannot say."""
    for name in Settings.__struct_fields__:
        if "\0" in str(getattr(settings, name)):
            raise UsageError(f"{name} has a NUL in it")
    if settings.jobs_max < settings.jobs:
        raise UsageError(f"jobs_max is {settings.jobs_max}, and jobs, with which a run begins, {settings.jobs}")
    _size(settings, "min_free")
    if settings.limit_rate and _size(settings, "limit_rate") < 1:
        raise UsageError(
            f"limit_rate is {settings.limit_rate!r}, less than a byte a second: nothing would ever come. "
            'For no limit leave it empty; --limit-rate "" lifts the one that is configured'
        )
    if settings.thaw_budget and _size(settings, "thaw_budget") < 1:
        raise UsageError("thaw_budget is 0; leave it empty for what the line fetches in half a thaw window")
    if "://" in settings.ledger:
        raise UsageError("ledger has to be a path; a ledger in a database server is not supported yet")
    try:
        api = urlsplit(settings.api_url)
        host, _ = api.hostname, api.port
    except ValueError:  # Whose text may hold a password.
        raise UsageError("api_url is no address; it looks like https://api.polyv.net") from None
    if not host or api.username is not None or api.query or api.fragment:
        raise UsageError("api_url has to be https://host[:port][/prefix], without user, query or fragment")
    if api.scheme != "https" and not (api.scheme == "http" and settings.is_api_here):
        raise UsageError("api_url has to be https (http only on this machine)")
    require_layout(settings.layout)


def _size(settings: Settings, name: str) -> int:
    """Return a setting in bytes; its name stands in the error."""
    try:
        return parse_size(getattr(settings, name))
    except ValueError as exc:
        raise UsageError(f"{name}: {exc}") from None


def _is_text(name: str) -> bool:
    return isinstance(getattr(Settings(), name, None), str)


def annotated_config() -> str:
    """Return the text of a new ``config.toml``: every setting with its default, commented out."""
    lines = [
        "# Settings of this archive. Flags and FETCHER_* in the environment come before what stands here.",
        "# The app secret does not belong here: POLYV_APP_SECRET, or POLYV_APP_SECRET_FILE, or app_secret_file;",
        "# nor does the main account's, which is POLYV_USER_SECRET and so on.",
    ]
    defaults = Settings()
    for name, meaning in SETTING_HELP.items():
        value = getattr(defaults, name)
        shown = str(value).lower() if isinstance(value, bool) else msgspec.json.encode(value).decode()
        lines += ["", f"# {meaning}", f"#{name} = {shown}"]
    return "\n".join(lines) + "\n"


SETTING_HELP: Final[Mapping[str, str]] = {
    "api_url": "Where Polyv's API is; plain http only on this machine.",
    "app_id": "The sub-account's appId; POLYV_APP_ID in the environment comes first.",
    "app_secret_file": "A file (mode 0600) that holds the sub-account's secret.",
    "user_id": "The main account's userid, to compare with Polyv's MD5s; POLYV_USER_ID comes first.",
    "user_secret_file": "A file (mode 0600) that holds the main account's secretkey.",
    "ledger": "Path of the ledger; empty means .fetcher/ledger.db.",
    "ledger_on_network": "Accept a ledger on a network file system, whose locks may not hold.",
    "jobs": "Files downloaded at once to begin with, 1 to 64, and never fewer; --jobs N is always N.",
    "jobs_max": "Files downloaded at once where more bring more, up to 64; like jobs for a fixed number.",
    "limit_rate": "Bytes a second of all downloads together, such as 20M; empty means no limit.",
    "poll_interval": "Seconds between two questions about a young task; an older one has a tenth of its age.",
    "poll_interval_max": "Seconds between two questions at the most; a third of a link's life if that is less.",
    "give_up_after": "Seconds after which a video that Polyv does not get ready needs a person; 72 h at least.",
    "link_lifetime": "Seconds that a link is taken to live where it does not say until when.",
    "stall_seconds": "Seconds without bytes worth the name after which a connection is given up.",
    "min_free": "Bytes that stay free on the archive's disk.",
    "retry_delay": "Seconds between the first two tries; doubles from there, up to a minute.",
    "tries": "Tries at a file in one run before it is left to a later one.",
    "expire_days": "Days that Polyv is asked to keep thawed files readable, 1 to 7.",
    "resubmit_expired": "Ask by itself for videos again whose thaw window closed before they were fetched.",
    "thaw_budget": "Bytes thawed and not fetched at once; empty: what the line fetches in half of expire_days.",
    "layout": "What finished files are called: {vid} {ext} {title} {category} {created} {created:%Y/%m}.",
    "sidecars": "Whether {name}.json is put beside each finished file, with all that is known of it.",
    "metrics_file": "A file for Prometheus' node exporter (*.prom), written anew by each sync; empty for none.",
    "ask_sizes": "Ask Polyv how large the sources are, to compare with; nothing waits for long for the answer.",
    "mismatch": "What becomes of a whole file that is not what Polyv says: quarantine, keep or fail.",
}
