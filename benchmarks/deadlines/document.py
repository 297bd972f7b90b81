"""The figures as tables and as a picture; pure."""

from collections.abc import Sequence
from typing import Final

from benchmarks.deadlines.play import OURS, Played
from benchmarks.table import table

_WIDTH: Final = 960
_NAMES: Final = 380
_ROW: Final = 46
_BAR: Final = 6
_FONT: Final = 'font-family="sans-serif" font-size="11"'
_COLOURS: Final = ("#0b6e4f", "#c05746", "#e0a458", "#5b7db1", "#9a8c98", "#b8c4bb")


def saved_table(played: Sequence[Played]) -> str:
    """Return how many videos each order saved, of each hundred that any order could."""
    others = [name for name in played[0].saved if name != OURS]
    heads = ["videos; links and line", "load", "most", OURS, "share", "places", *others]
    return table(heads, [_saved_row(one, others) for one in played])


def bytes_table(played: Sequence[Played]) -> str:
    """Return how many TB each order saved."""
    orders = list(played[0].saved)
    rows = [[_name(one), *(f"{one.bytes_saved[name] / 1e12:.2f}" for name in orders)] for one in played]
    return table(["TB", *orders], rows)


def forecast_table(played: Sequence[Played]) -> str:
    """Return what was named at half time, and what became of it."""
    some = [one for one in played if one.forecast.named or one.forecast.died]
    rows = [
        [
            _name(one),
            str(one.forecast.named),
            str(one.forecast.died),
            _share(one.forecast.hits, one.forecast.died),
            _share(one.forecast.named - one.forecast.hits, one.forecast.named),
        ]
        for one in some
    ]
    named = sum(one.forecast.named for one in some)
    died = sum(one.forecast.died for one in some)
    hits = sum(one.forecast.hits for one in some)
    rows.append(["all", str(named), str(died), _share(hits, died), _share(named - hits, named)])
    return table(["at half time", "named", "died", "named of those that died", "named and saved"], rows)


def picture(played: Sequence[Played]) -> str:
    """Return an SVG: for each scenario a bar for each order, as a share of the most that any could save."""
    orders = list(played[0].saved)
    height = 60 + len(played) * _ROW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, name in enumerate(orders):
        x = 10 + number * 140
        lines.append(f'<rect x="{x}" y="10" width="10" height="10" fill="{_COLOURS[number]}"/>')
        lines.append(f'<text x="{x + 14}" y="19">{name}</text>')
    for row, one in enumerate(played):
        top = 40 + row * _ROW
        lines.append(f'<text x="10" y="{top + 20}">{_name(one)}</text>')
        for number, name in enumerate(orders):
            width = (_WIDTH - _NAMES - 10) * min(one.saved[name] / one.most, 1.0)
            y = top + number * _BAR
            lines.append(
                f'<rect x="{_NAMES}" y="{y}" width="{width:.1f}" height="{_BAR - 1}" fill="{_COLOURS[number]}"/>'
            )
    return "\n".join([*lines, "</svg>"]) + "\n"


def _saved_row(one: Played, others: Sequence[str]) -> list[str]:
    return [
        _name(one),
        f"{one.load:.2f}",
        str(one.most),
        str(one.saved[OURS]),
        f"{one.saved[OURS] / one.most:.4f}",
        str(one.most_places),
        *(f"{one.saved[name] / one.most:.3f}" for name in others),
    ]


def _name(one: Played) -> str:
    return f"{one.scenario.videos:,}; {one.scenario.name}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "–"
