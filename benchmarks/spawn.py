"""Run commands one after the other and tell what they cost; a process of its own, started by its path.

What a process has used at its peak counts from before its exec, so whoever starts it sets a floor. The measuring
program itself is large; this one is as small as Python gets (about 10 MiB, with ``-I -S``).

Reads ``{"steps": [["program", "argument"...]...], "stdout": "path", "stderr": "path"}`` on stdin, writes
``{"exit_codes": [...], "wall_s": ..., "cpu_s": ..., "peak_bytes": ...}`` on stdout. Nothing is run after a step
that failed.

Source: setmax_mm_hiwater_rss in Linux' fs/exec.c and kernel/exit.c; getrusage(2) on ru_maxrss (KiB).
"""

import json
import os
import sys
import time


def main() -> None:
    """Run what stdin says."""
    order = json.load(sys.stdin)
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, order["stdout"], append, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, order["stderr"], append, 0o600),
    ]
    codes: list[int] = []
    cpu_s, peak = 0.0, 0
    began = time.monotonic()
    for step in order["steps"]:
        child = os.posix_spawnp(step[0], step, os.environ, file_actions=files)
        _, status, used = os.wait4(child, 0)
        codes.append(os.waitstatus_to_exitcode(status))
        cpu_s += used.ru_utime + used.ru_stime
        peak = max(peak, used.ru_maxrss << 10)
        if codes[-1]:
            break
    wall_s = time.monotonic() - began
    json.dump({"exit_codes": codes, "wall_s": wall_s, "cpu_s": cpu_s, "peak_bytes": peak}, sys.stdout)


if __name__ == "__main__":
    main()
