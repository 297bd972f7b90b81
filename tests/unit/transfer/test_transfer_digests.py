"""Digests, a video's opening, and a stalled line: rules without a socket."""

import os
from pathlib import Path

import pytest

from fetcher.domain.errors import IntegrityError
from fetcher.domain.status import Evidence
from fetcher.transfer.digests import Digests, agreeing, kinds_for

_DATA = b"123456789"
_CRC64 = "11051210869376104954"
_MD5 = "25f9e794323b453885f5181f1b624d0b"
_SHA256 = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"


@pytest.mark.parametrize("at", range(len(_DATA) + 1))
def test_digests_are_the_standards_wherever_the_bytes_are_split(at: int) -> None:
    digests = Digests({"md5", "crc64"})

    digests.update(memoryview(_DATA[:at]))
    digests.update(memoryview(_DATA[at:]))

    assert {"sha256": _SHA256, "md5": _MD5, "crc64": _CRC64} == digests.values()


def test_nothing_has_the_crc_0() -> None:
    assert "0" == Digests({"crc64"}).values()["crc64"]


def test_the_prefix_of_a_file_is_taken_whatever_the_buffers_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(_DATA + b"tail")
    digests, descriptor = Digests(), os.open(tmp_path / "a", os.O_RDONLY)

    digests.take_prefix(descriptor, size=9, buffer=memoryview(bytearray(4)))
    os.close(descriptor)

    assert _SHA256 == digests.values()["sha256"]


def test_a_file_shorter_than_its_prefix_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(_DATA)
    descriptor = os.open(tmp_path / "a", os.O_RDONLY)

    with pytest.raises(OSError, match="ends at 9 of 10"):
        Digests().take_prefix(descriptor, size=10, buffer=memoryview(bytearray(4)))
    os.close(descriptor)


def test_only_what_can_be_compared_is_computed() -> None:
    assert {"md5", "crc64", "sha256"} == kinds_for(["content-md5", "crc64", "repr-digest", "size", "unheard-of"])


def test_the_strongest_comparison_is_the_evidence() -> None:
    computed = {"sha256": _SHA256, "crc64": _CRC64}

    assert [Evidence.CRC64, Evidence.REPR_DIGEST] == agreeing({"repr-digest": _SHA256, "crc64": _CRC64}, computed)


def test_without_anything_to_compare_there_is_no_evidence() -> None:
    assert [] == agreeing({"content-md5": _MD5}, {"sha256": _SHA256})


def test_f29_one_digest_that_differs_outweighs_those_that_agree() -> None:
    with pytest.raises(IntegrityError) as caught:
        agreeing({"crc64": _CRC64, "repr-digest": "00"}, {"sha256": _SHA256, "crc64": _CRC64})

    assert ("00", _SHA256) == (caught.value.expected, caught.value.actual)
