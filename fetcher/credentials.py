"""Who asks Polyv: ids and secrets, from the environment, from private files, or from systemd."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from fetcher.domain.errors import UsageError
from fetcher.settings import Settings

_USER_ID: Final = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks Polyv."""

    app_id: str
    app_secret: str
    user_id: str = ""
    """Of the main account, which may ask for MD5s; empty where it is not configured."""
    user_secret: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no output."""
        return tuple(secret for secret in (self.app_secret, self.user_secret) if secret)

    def __repr__(self) -> str:
        return f"Credentials(app_id={self.app_id!r})"

    __str__ = __repr__


def load_credentials(settings: Settings, environ: Mapping[str, str]) -> Credentials:
    """Return the credentials: those of the sub-account, and of the main account where they are configured.

    Raises:
        UsageError: There are none, only half of the main account's, or a file with a secret is open to others.
    """
    app_id = environ.get("POLYV_APP_ID") or settings.app_id
    if not app_id:
        raise UsageError("no appId: set POLYV_APP_ID, or app_id in .fetcher/config.toml")
    secret = _secret(environ, "POLYV_APP_SECRET", settings.app_secret_file)
    if not secret:
        raise UsageError(
            "no app secret: set POLYV_APP_SECRET, or let POLYV_APP_SECRET_FILE, or app_secret_file in "
            ".fetcher/config.toml, name a file (mode 0600) that holds it"
        )
    user_id, user_secret = _main_account(settings, environ)
    return Credentials(app_id=app_id.strip(), app_secret=secret.strip(), user_id=user_id, user_secret=user_secret)


def _main_account(settings: Settings, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the main account's id and secret, both empty where it is not configured."""
    user_id = (environ.get("POLYV_USER_ID") or settings.user_id).strip()
    secret = _secret(environ, "POLYV_USER_SECRET", settings.user_secret_file).strip()
    if user_id and not _USER_ID.fullmatch(user_id):
        raise UsageError("the main account's userid has letters and digits only: check POLYV_USER_ID or user_id")
    if user_id and not secret:
        raise UsageError(
            "no secret of the main account: set POLYV_USER_SECRET, or POLYV_USER_SECRET_FILE to a file (mode 0600) "
            "that holds it, or leave user_id empty"
        )
    if secret and not user_id:
        raise UsageError("a secret of the main account and no userid: set POLYV_USER_ID, or user_id in the config")
    return user_id, secret


def _secret(environ: Mapping[str, str], name: str, configured: str) -> str:
    """Return a secret, '' where there is none.

    Args:
        environ: Holds it, or names its file, or where systemd has put it.
        name: Of its variable; with ``_FILE`` behind it that of the file's, in small letters systemd's credential.
        configured: The file by the configuration.
    """
    if secret := environ.get(name):
        return secret
    named = environ.get(f"{name}_FILE") or configured
    if named:
        # Not Path.expanduser, which ends in a RuntimeError where nobody has that home.
        return _read_secret(Path(os.path.expanduser(named)), name, must_be_private=True)
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if directory and (credential := Path(directory, name.lower())).is_file():
        return _read_secret(credential, name, must_be_private=False)
    return ""


def _read_secret(path: Path, name: str, *, must_be_private: bool) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            if must_be_private and os.fstat(file.fileno()).st_mode & 0o077:
                raise UsageError(f"{path} holds a secret and is open to others; run: chmod 600 {path}")
            secret = file.read()
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise _unreadable(path, name, str(why)) from None
    if not secret.strip():
        raise _unreadable(path, name, "it is empty")
    return secret


def _unreadable(path: Path, name: str, why: str) -> UsageError:
    # Without a directory in it, it may be the secret itself, put where its file has to be named.
    shown = str(path) if os.sep in str(path) else "the file that is named for it"
    whole = "" if path.is_absolute() else ". Name the file with its whole path"
    setting = f"{name.removeprefix('POLYV_').lower()}_file"
    return UsageError(f"{name}_FILE or {setting}: no secret can be read from {shown}: {why}{whole}")
