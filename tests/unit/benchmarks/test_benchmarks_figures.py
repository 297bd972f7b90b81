"""What is made of measured figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.document import NoPlaceError, with_figures
from benchmarks.files import FileSet
from benchmarks.measure import Cost
from benchmarks.plan import LINES, PEER_NAMES, Line, plan_from
from benchmarks.ratios import Spread, pairwise
from benchmarks.rotation import rotated
from benchmarks.table import counted, table
from benchmarks.targets import Quantity, judged, verdict
from benchmarks.transfer_table import Measured, section

GIB = 1 << 30
MIB = 1 << 20


def cost(wall_s: float, cpu_s: float = 1.0, peak_mib: int = 50) -> Cost:
    return Cost(wall_s=wall_s, cpu_s=cpu_s, peak_bytes=peak_mib * MIB)


def test_a_ratio_compares_neighbours_in_time() -> None:
    """A repetition that was slow for both does not bend it."""
    assert Spread(middle=0.5, least=0.25, most=0.75) == pairwise([1.0, 50.0, 3.0], [4.0, 100.0, 4.0])


def test_a_ratio_of_unequal_numbers_of_runs_is_refused() -> None:
    """Each run of ours has its neighbour."""
    with pytest.raises(ValueError, match="shorter"):
        pairwise([1.0, 2.0], [1.0])


def test_a_spread_shows_middle_and_ends() -> None:
    """In the form that is asked for."""
    assert "2.00 (1.00–9.00)" == f"{Spread.of([9.0, 1.0, 2.0]):.2f}"


@given(st.lists(st.integers(), min_size=1, max_size=8, unique=True))
def test_each_program_is_first_once_in_so_many_turns(items: list[int]) -> None:
    """And nobody is left out of any turn."""
    turns = [rotated(items, turn) for turn in range(len(items))]

    assert items == [turn[0] for turn in turns]
    assert all(sorted(items) == sorted(turn) for turn in turns)


def test_a_table_has_one_mark_for_each_column() -> None:
    """So that Markdown takes it for one."""
    assert "| a | b |\n| --- | ---: |\n| x | 1 |\n" == table(["a", "b"], [["x", "1"]])


@pytest.mark.parametrize(("number", "said"), [(1, "1 repetition"), (2, "2 repetitions"), (40, "40 repetitions")])
def test_one_is_counted_as_one(number: int, said: str) -> None:
    """The number under a table is that of what it was made of."""
    assert said == counted(number, "repetition")


@pytest.mark.parametrize(("figure", "said"), [(0.8, "wall ≤ 0.8: met"), (0.81, "wall ≤ 0.8: **missed**")])
def test_a_target_is_met_up_to_its_figure(figure: float, said: str) -> None:
    """And no further."""
    assert said == judged("wall", figure, 0.8)


def test_only_the_peers_that_are_aimed_at_have_a_verdict() -> None:
    """Small files have one target, large ones three."""
    ratios: dict[Quantity, float] = {"wall": 0.7, "CPU": 1.2}

    assert "wall ≤ 0.8: met; CPU ≤ 1.15: **missed**" == verdict(files="big", peer="curl", ratios=ratios)
    assert "wall ≤ 2.5: met" == verdict(files="small", peer="aria2c", ratios=ratios)
    assert "" == verdict(files="small", peer="curl", ratios=ratios)


def test_a_section_sets_fetcher_beside_its_peer() -> None:
    """CPU seconds are those of one GiB, ratios those of each repetition."""
    measured = Measured(
        files=FileSet(name="big", count=2, size=GIB),
        line=Line(scheme="https", to="tmpfs"),
        names={"fetcher": "fetcher sync", "curl": "curl, sha256sum"},
        costs={"fetcher": [cost(3.0, 4.0, 91)], "curl": [cost(4.0, 2.0)]},
    )

    lines = section(measured).splitlines()

    assert "### Big files (2 × 1024 MiB) over https to tmpfs" == lines[0]
    assert "| **fetcher sync** | 3.00 (3.00–3.00) | 2.00 (2.00–2.00) | 91 (91–91) |" in lines[4]
    assert lines[4].endswith("| peak ≤ 90: **missed** |")
    assert "1 repetition." == lines[-1]
    assert "| 0.75 (0.75–0.75) | 2.00 (2.00–2.00) | wall ≤ 0.8: met; CPU ≤ 1.15: **missed** |" in lines[5]


def test_figures_go_between_their_marks_and_nowhere_else() -> None:
    """Words around them stay; figures of other parts stay."""
    document = (
        "before\n<!-- figures: a -->old<!-- /figures: a -->\nbetween\n<!-- figures: b -->old<!-- /figures: b -->\n"
    )

    written = with_figures(document, {"a": "new \\1 $\n"})

    assert (
        "before\n<!-- figures: a -->\n\nnew \\1 $\n\n<!-- /figures: a -->\n"
        "between\n<!-- figures: b -->old<!-- /figures: b -->\n"
    ) == written


def test_figures_without_a_place_are_not_lost_in_silence() -> None:
    """The document has to name each part once."""
    with pytest.raises(NoPlaceError, match="jobs"):
        with_figures("nothing here", {"jobs": "x"})


def test_where_nothing_is_said_http_goes_to_memory_only() -> None:
    """And all peers run. What is said counts."""
    assert LINES == plan_from([]).lines
    assert PEER_NAMES == plan_from([]).peers
    assert [Line(scheme="http", to="disk")] == plan_from(["--scheme", "http", "--to", "disk"]).lines
    assert [Line(scheme="http", to="tmpfs")] == plan_from(["--scheme", "http"]).lines


def test_a_set_can_be_made_smaller() -> None:
    """For a quick look."""
    plan = plan_from(["transfer", "--only", "small", "--size", "small=3x64K"])

    assert [FileSet(name="small", count=3, size=65536)] == plan.files
    assert ["transfer"] == plan.parts


@pytest.mark.parametrize("words", [["--only", "tiny"], ["--reps", "0"], ["--size", "small=some"], ["nonsense"]])
def test_a_command_line_that_cannot_be_meant_is_refused(words: list[str]) -> None:
    """With the code for usage."""
    with pytest.raises(SystemExit) as refused:
        plan_from(words)
    assert 2 == refused.value.code
