"""The three signatures in play, written from the vendors' pages and shared with nobody."""

import hashlib
from collections.abc import Mapping


def sign_v3(params: Mapping[str, str], secret: str) -> str:
    """Sign the parameters of a v3 request.

    Args:
        params: Raw values; ``sign`` itself and empty values take no part.
        secret: The sub-account's secret.

    Returns:
        32 upper-case hex digits.

    Source: https://polyv.gitbook.io/document/docs/vod/api/buildsignmd5
    """
    taking_part = sorted((name, value) for name, value in params.items() if value and name != "sign")
    text = secret + "".join(name + value for name, value in taking_part) + secret
    return hashlib.md5(text.encode()).hexdigest().upper()


def sign_v2(params: Mapping[str, str], secret: str) -> str:
    """Sign the parameters of a v2 request.

    Returns:
        SHA-1 of ``a=1&b=2<secret>``; 40 upper-case hex digits.

    Source: https://polyv.gitbook.io/document/docs/vod/api/video-management/search/get_video_msg
    """
    taking_part = sorted((name, value) for name, value in params.items() if value and name != "sign")
    text = "&".join(f"{name}={value}" for name, value in taking_part) + secret
    return hashlib.sha1(text.encode()).hexdigest().upper()


def auth_key(path: str, *, timestamp: int, rand: str, uid: str, key: str) -> str:
    """Sign a path the way Alibaba's CDN does in "type A".

    Args:
        path: Begins with a slash; the host takes no part.
        timestamp: Unix seconds.
        rand: Any text without a hyphen.
        uid: Any text without a hyphen.
        key: The secret shared by the CDN and whoever signs.

    Returns:
        ``timestamp-rand-uid-md5``, the value of the query parameter ``auth_key``.

    Source: https://help.aliyun.com/zh/cdn/user-guide/type-a-signing
    """
    prefix = f"{timestamp}-{rand}-{uid}"
    return f"{prefix}-{hashlib.md5(f'{path}-{prefix}-{key}'.encode()).hexdigest()}"
