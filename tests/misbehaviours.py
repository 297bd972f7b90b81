"""A misbehaviour, by name: how servers are spoilt, how a run ends then, and how it ends once they behave."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from raw_case import Ended, RawCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Misbehaviour:
    """What is done to the servers before a first run, and what that run makes of it."""

    fault: str
    """Its id in docs/faults.md."""
    spoil: Callable[[RawCase], object]
    code: int
    """The first run's exit code."""
    said: str = ""
    """Part of what that run says at the default level; nothing means that it is silent."""
    stands: tuple[str | None, str | None]
    """Status and reason afterwards; no status where the ledger does not know the video yet."""
    requests: int | None = None
    """How many the first run makes to the origin; None where that does not matter."""
    goes_on_from: int | None = 0
    """Which byte the second run asks from; None where that is a matter of moments."""
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was seen of the runs; there is no second one where the first one was enough."""

    first: Ended
    requests: int
    """Of the first run to the origin."""
    stood: tuple[str | None, str | None]
    files: list[str]
    second: Ended | None
    stands: tuple[str | None, str | None]
    asked: list[str | None]
    """The ranges of the second run's requests to the origin."""
    is_right: bool
    told_secrets: list[str]


def tried(case: RawCase, misbehaviour: Misbehaviour) -> Trial:
    """Run once against *misbehaviour*, and once more, where something is left, against servers that behave."""
    misbehaviour.spoil(case)
    first = case.pass_once(**misbehaviour.environ)
    stood, files = case.standing(), case.files()
    asked_before, second = len(case.origin.requests), None
    if stood[0] != "done":
        case.behave()
        if stood[0] == "failed":
            assert 0 == case.run("retry", "--failed").returncode
        second = case.pass_once()
    said = first.said + (second.said if second else "")
    return Trial(
        first=first,
        requests=asked_before,
        stood=stood,
        files=files,
        second=second,
        stands=case.standing(),
        asked=case.origin.ranges[asked_before:],
        is_right=case.is_right(),
        told_secrets=[secret for secret in case.secrets() if secret in said],
    )


def require_expected(trial: Trial, expected: Misbehaviour) -> None:
    """See that exit code, word and row are as expected, the right bytes come in the end, and no secret is told."""
    assert (expected.code, expected.stands) == (trial.first.code, trial.stood), trial.first.told
    if expected.said:
        assert expected.said in "\n".join(trial.first.told)
    else:
        assert [] == trial.first.told
    assert expected.requests in (None, trial.requests)
    assert (expected.stands[0] == "done") == bool(trial.files)
    assert (("done", None), True) == (trial.stands, trial.is_right)
    if trial.second is not None:
        assert (0, []) == (trial.second.code, trial.second.told)
        if expected.goes_on_from is not None:
            assert [f"bytes={expected.goes_on_from}-" if expected.goes_on_from else None] == trial.asked
    assert [] == trial.told_secrets
