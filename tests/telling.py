"""What a test has to say beside passing: how much it tried."""

from collections.abc import Callable
from typing import TypeAlias

Tell: TypeAlias = Callable[[str], None]
"""Takes a line for the end of the output."""
