"""The signature of Polyv's v3 API."""

import hashlib
from collections.abc import Mapping


def sign(params: Mapping[str, str], secret: str) -> str:
    """Sign a v3 request.

    Args:
        params: What will be sent, not yet URL-encoded, ``sign`` left out. Empty values take no part.
        secret: The sub-account's secret key.

    Returns:
        MD5 of ``<secret>a1b2<secret>``, names sorted; 32 upper-case hex digits.

    Source: https://polyv.gitbook.io/document/docs/vod/api/buildsignmd5
    """
    joined = "".join(name + params[name] for name in sorted(params) if params[name])
    return hashlib.md5(f"{secret}{joined}{secret}".encode()).hexdigest().upper()
