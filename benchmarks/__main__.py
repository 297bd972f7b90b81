"""``python -m benchmarks``: measure, and print or write the figures."""

import sys

from benchmarks.plan import plan_from
from benchmarks.transfer import transfer


def main() -> int:
    """Run what the command line names."""
    plan = plan_from(sys.argv[1:])
    print(transfer(plan))
    return 0


if __name__ == "__main__":
    sys.exit(main())
