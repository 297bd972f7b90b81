"""``python -m benchmarks``: measure, and print the figures or write them into the document."""

import sys
from collections.abc import Callable, Mapping
from typing import Final

from benchmarks import origin_nginx
from benchmarks.cpu_profile import cpu_profile
from benchmarks.document import with_figures
from benchmarks.jobs import jobs
from benchmarks.machine import machine
from benchmarks.plan import Plan, plan_from
from benchmarks.polls import polls
from benchmarks.rate import rate
from benchmarks.startup import startup
from benchmarks.transfer import transfer

_PARTS: Final[Mapping[str, Callable[[Plan], str]]] = {
    "transfer": transfer,
    "startup": startup,
    "rate": rate,
    "jobs": jobs,
    "polls": polls,
    "profile": cpu_profile,
}


def main() -> int:
    """Run what the command line names."""
    plan = plan_from(sys.argv[1:])
    if not origin_nginx.is_installed():
        print("nginx is not installed; on Debian: apt-get install nginx-light", file=sys.stderr)
        return 2
    figures = {"machine": machine(plan)} | {part: _PARTS[part](plan) for part in plan.parts}
    if plan.write:
        plan.write.write_text(with_figures(plan.write.read_text(encoding="utf-8"), figures), encoding="utf-8")
    else:
        print("\n".join(f"## {part}\n\n{text}" for part, text in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
