"""The signatures of Polyv's v3 API, and of the older v2."""

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


def sign_v2(params: Mapping[str, str], secret: str) -> str:
    """Sign a v2 request.

    Args:
        params: As for ``sign``.
        secret: The main account's secret key.

    Returns:
        SHA-1 of ``a=1&b=2<secret>``, names sorted; 40 upper-case hex digits.

    Source: https://polyv.gitbook.io/document/docs/vod/api/video-management/search/get_video_msg
    """
    joined = "&".join(f"{name}={params[name]}" for name in sorted(params) if params[name])
    return hashlib.sha1(f"{joined}{secret}".encode(), usedforsecurity=False).hexdigest().upper()
