"""Text without the secrets that it may repeat: keys of links, passwords in addresses, values by their name."""

import re
from typing import Final

_SECRETS: Final = re.compile(
    r"(?:\b|(?<=%[0-9a-f]{2}))(auth_key|sign|secret|app_secret|appSecret|password)(=|%3D)[^\s&'\"<>]+",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"://(\S+)")
_CLOSING: Final = "\"'<>),.;:"
"""What may stand behind an address without belonging to it."""


def masked(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return *text* without queries and users of links, without values of secret parameters, without *secrets*."""
    for secret in secrets:
        text = text.replace(secret, "…")
    return _SECRETS.sub(r"\1\2…", _ADDRESS.sub(_masked_address, text))


def _masked_address(found: re.Match[str]) -> str:
    """Leave out user and query. A password was not always written as it has to be, without a ``/``."""
    address = found[1].rstrip(_CLOSING)
    closing = found[1][len(address) :]
    authority = re.split("[/?#]", address, maxsplit=1)[0]
    if "@" in authority or (":" in authority and "@" in address):
        user_end = (authority if "@" in authority else address).rindex("@")
        address = f"…{address[user_end:]}"
    path, _, query = address.partition("?")
    return f"://{path}?…{closing}" if query else f"://{address}{closing}"
