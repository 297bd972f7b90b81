"""The simulator signs as the vendor writes, by its own code."""

import hashlib

import pytest
from signature_vectors import V2, V3

from fetcher.simulator.signature import auth_key, sign_v2, sign_v3


@pytest.mark.parametrize(("secret", "params", "expected"), V3.values(), ids=V3.keys())
def test_signs_v3_as_the_vendors_vectors_do(secret: str, params: dict[str, str], expected: str) -> None:
    assert expected == sign_v3(params, secret)


def test_signs_v2_as_the_vendors_vector_does() -> None:
    secret, params, expected = V2

    assert expected == sign_v2(params, secret)


def test_auth_key_is_md5_over_path_timestamp_rand_uid_and_key() -> None:
    expected = hashlib.md5(b"/a.mp4-1700000000-r-u-secret").hexdigest()
    assert f"1700000000-r-u-{expected}" == auth_key(
        "/a.mp4", timestamp=1_700_000_000, rand="r", uid="u", key="secret"
    )
