"""How samples of a profiler are sorted."""

import pytest

from benchmarks.cpu_profile import kind_of, leaves

REST = "all else: Python, start-up, ledger"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("    count = sock.recv_into(view)", "receive and decrypt"),
        ("    return self._sslobj.read(len, buffer)", "receive and decrypt"),
        ("    update(data)", "SHA-256"),
        ("    os.fdatasync(descriptor)", "fsync"),
        ("    data = data[os.write(descriptor, data) :]", "write"),
        ("    work_item = work_queue.get(block=True)", "waiting"),
        ("    came += count", REST),
        ("", REST),
    ],
)
def test_a_line_of_source_tells_what_its_thread_does(source: str, kind: str) -> None:
    """C code has no lines of its own."""
    assert kind == kind_of(source)


def test_samples_count_for_the_innermost_frame() -> None:
    """Whoever called it."""
    raw = "run (/a b/run.py:3);read (/lib/ssl.py:1107) 4\nread (/lib/ssl.py:1107) 2\nnot a frame 7\n"

    assert {("/lib/ssl.py", 1107, "read"): 6} == dict(leaves(raw))
