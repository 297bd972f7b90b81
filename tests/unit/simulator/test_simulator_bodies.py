"""What the simulator's videos are made of."""

import hashlib
import re

import fastcrc
import pytest
from simulator_client import whole

from fetcher.simulator.server import Simulator


def test_bodies_are_the_same_however_they_are_read() -> None:
    video = Simulator().library.add_video(size=3 * (1 << 20) + 5)
    pieces = [video.read(at, at + 70_001) for at in range(0, video.size, 70_001)]
    assert whole(video) == b"".join(pieces)
    assert video.size == len(whole(video))
    assert video.sha256() == hashlib.sha256(whole(video)).hexdigest()
    assert str(fastcrc.crc64.xz(whole(video))) == video.crc64()
    assert b"ftyp" == video.read(4, 8)


def test_the_end_of_a_huge_body_costs_no_memory() -> None:
    video = Simulator().library.add_video(size=1 << 40)
    assert 10 == len(video.read(video.size - 10, video.size))


def test_new_videos_have_the_vendors_shape_and_their_own_path() -> None:
    library = Simulator().library
    vids = {library.add_video().vid for _ in range(100)}
    assert 100 == len(vids)
    assert all(re.fullmatch("[0-9a-z]{32}_[0-9a-z]", vid) for vid in vids)
    with pytest.raises(ValueError, match="there already"):
        library.add_video(vid=vids.pop())
