"""Compare a whole file with all that is known of it: pure rules, no I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fetcher.domain.container import UNKNOWN, require_container
from fetcher.domain.opening import require_video
from fetcher.domain.status import Evidence
from fetcher.domain.vendor import Difference, Expected
from fetcher.transfer.digests import agreeing


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A file that came to its end."""

    opening: bytes
    """Its first bytes, as container.py wants them."""
    size: int
    digests: Mapping[str, str]
    """Computed, by kind; ``md5`` among them where Polyv names one."""
    announced: Mapping[str, str]
    """Named by the origin, by evidence."""
    origin_size: int | None
    """Named by the origin."""
    is_size_repeated: bool
    """Whether the origin named that size twice, the second time after it was told from Polyv's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What speaks for a file, and what against it."""

    evidence: Evidence
    """The strongest of what agrees."""
    agreed: tuple[str, ...]
    """All that agrees, strongest first, and whose word it was."""
    container: str
    difference: Difference | None
    """None where it is what Polyv says, or Polyv says nothing."""


def prove(whole: Whole, expected: Expected) -> Proof:
    """Return what speaks for *whole*.

    Raises:
        NotAVideoError: Its first bytes are not a video's.
        IntegrityError: It differs from a digest that its own origin names.
    """
    require_video(whole.opening)
    by_origin = agreeing(whole.announced, whole.digests)
    agreed = tuple(_agreed(whole, expected, by_origin))
    is_polyvs = any(one.endswith(":polyv") for one in agreed)
    container = require_container(whole.opening, is_polyvs=is_polyvs, has_evidence=bool(agreed))
    return Proof(
        evidence=Evidence(agreed[0].partition(":")[0]) if agreed else Evidence.NONE,
        agreed=agreed,
        container=container,
        difference=_difference(whole, expected, is_digested=bool(by_origin), container=container),
    )


def _agreed(whole: Whole, expected: Expected, by_origin: list[Evidence]) -> Iterator[str]:
    if expected.md5 is not None and expected.md5 == whole.digests.get("md5"):
        yield f"{Evidence.MD5}:polyv"
    for evidence in by_origin:
        yield f"{evidence}:origin"
    if expected.size == whole.size:
        yield f"{Evidence.SIZE}:polyv"
    if whole.origin_size == whole.size:
        yield f"{Evidence.SIZE}:origin"


def _difference(whole: Whole, expected: Expected, *, is_digested: bool, container: str) -> Difference | None:
    """Return how *whole* differs from what Polyv says. Its MD5 outweighs its size: these are the bytes, then."""
    texts = []
    if is_other_size := expected.size is not None and expected.size != whole.size:
        texts.append(f"it has {whole.size} bytes, Polyv says {expected.size}")
    md5 = whole.digests.get("md5")
    if expected.md5 is not None and expected.md5 == md5:
        return None
    if is_other_md5 := expected.md5 is not None and expected.md5 != md5:
        texts.append(f"its MD5 is {md5}, Polyv says {expected.md5}")
    if not texts:
        return None
    return Difference(
        text=" and ".join(texts),
        is_vouched=is_digested or (is_other_size and not is_other_md5 and whole.is_size_repeated),
        is_credible=is_digested or container != UNKNOWN,
    )
