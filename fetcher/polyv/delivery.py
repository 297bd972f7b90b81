"""What is known of a request that must not be sent twice."""

from dataclasses import dataclass


@dataclass(slots=True)
class Delivery:
    """Where a request is. It stays true when whoever sent it is broken off."""

    may_have_arrived: bool = False
    """Whether Polyv may have seen it and may have done what it asks, with no word of it come back."""
