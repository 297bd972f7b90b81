"""What README and the decisions say is what the program does."""

import re
import tomllib
from pathlib import Path

import click

from fetcher.cli.group import group
from fetcher.domain.exit_code import ExitCode
from fetcher.domain.status import Evidence, Reason, Status
from fetcher.report.rows import COLUMNS
from fetcher.settings import SETTING_HELP, Settings, annotated_config

_ROOT = Path(__file__).resolve().parents[1]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_CONTRIBUTING = (_ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_DOCUMENTS = [
    *(_ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")),
    *(_ROOT / "docs").rglob("*.md"),
]


_CONTEXT = group.make_context("fetcher", ["--help"], resilient_parsing=True)


def _section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", _README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def _first_cells(section: str) -> list[str]:
    return re.findall(r"^\| `?([^|`]+?)`? \|", section, re.MULTILINE)


def test_every_command_and_its_options_stand_in_readme() -> None:
    """And none that is not there."""
    section = _section("Commands")
    context = group.make_context("fetcher", ["--help"], resilient_parsing=True)
    commands = {name: group.get_command(context, name) for name in group.list_commands(context)}
    named = set(re.findall(r"^\| `fetcher (\w+)", section, re.MULTILINE))

    assert set(commands) == named
    below = {
        f"{name} {inner}": command.commands[inner]
        for name, command in commands.items()
        if isinstance(command, click.Group)
        for inner in command.commands
    }
    assert [] == [name for name in below if f"| `fetcher {name}" not in section]
    missing = [
        f"{name} {option}"
        for name, command in [*commands.items(), *below.items()]
        if command is not None
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option not in section
    ]
    assert [] == missing


def test_every_command_line_in_the_documents_can_be_typed() -> None:
    """Options of ``fetcher`` itself stand before the command, those of a command behind it."""
    lines = [
        (document.name, words)
        for document in _DOCUMENTS
        for line in re.findall(
            r"`([^`\n]+)`|(?:^|/)(fetcher .+)$", document.read_text(encoding="utf-8"), re.MULTILINE
        )
        for words in [" ".join(line).replace("\\|", "|").partition("#")[0].removeprefix("fetcher ").split()]
        if not {*words}.isdisjoint(group.list_commands(_CONTEXT)) and re.match(r"-|[a-z]+$", words[0])
    ]

    assert 60 < len(lines)
    assert [] == [(name, " ".join(words)) for name, words in lines if not _can_be_typed(words)]


def _can_be_typed(words: list[str]) -> bool:
    """Tell whether each option of a command line belongs where it stands."""
    command: click.Command | None = group
    for word in words:
        if isinstance(command, click.Group) and word in command.list_commands(_CONTEXT):
            command = command.get_command(_CONTEXT, word)
        elif re.fullmatch(r"-[a-z]+|--[a-z-]+", word) and command is not None:
            options = {option for one in command.params for option in one.opts}
            if word not in options | {"-h", "-vv"}:
                return False
    return True


def test_every_setting_stands_in_readme_with_its_default() -> None:
    """And in the annotated config that 'init' writes."""
    rows = dict(re.findall(r"^\| `(\w+)` \|\s*([^|]*?)\s*\|", _section("Settings"), re.MULTILINE))

    assert list(Settings.__struct_fields__) == list(rows)
    assert list(Settings.__struct_fields__) == list(SETTING_HELP)
    told = {name: text.strip("`") for name, text in rows.items() if name != "ledger"}
    assert {name: _shown(getattr(Settings(), name)) for name in told} == told
    assert [] == [name for name in rows if f"\n#{name} = " not in annotated_config()]


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_every_exit_code_stands_in_readme() -> None:
    """In the table of codes."""
    codes = {int(code) for cell in _first_cells(_section("Exit codes")) for code in re.findall(r"\d+", cell)}

    assert {int(code) for code in ExitCode} == codes


def test_every_status_reason_and_evidence_stands_in_readme() -> None:
    """With what helps."""
    section = _section("Statuses")

    assert [*Status, *Reason] == [cell for cell in _first_cells(section) if cell not in ("status", "reason")]
    assert [] == [one.value for one in Evidence if f"`{one.value}`" not in section]


def test_every_column_of_a_row_stands_in_readme() -> None:
    """The rows are stable, so their columns are told."""
    assert [] == [name for name in COLUMNS if name not in _section("Commands")]


def test_every_kind_of_line_that_sync_prints_stands_in_readme() -> None:
    """Whoever reads ``sync --json`` by program has to know them all."""
    sources = [path.read_text(encoding="utf-8") for path in (_ROOT / "fetcher" / "sync").glob("*.py")]
    kinds = {kind for source in sources for kind in re.findall(r'"type": "(\w+)"', source)}

    assert len(kinds) > 10
    assert [] == sorted(kind for kind in kinds if f"`{kind}`" not in _section("Commands"))


def test_every_file_that_the_documents_name_is_there() -> None:
    """Links and paths do not rot."""
    for document in _DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (document.parent / target).exists(), f"{document.name} names {target}"


def test_every_module_stands_on_a_floor() -> None:
    """Of import-linter's contract and of the table in CONTRIBUTING: what stands on none may import all."""
    contracts = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = (one["layers"] for one in contracts["contracts"] if one["type"] == "layers")
    held = {name.strip().removeprefix("fetcher.") for layer in layers for name in layer.split("|")}
    modules = {
        path.stem
        for path in (_ROOT / "fetcher").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    floors = _CONTRIBUTING.partition("## Where to look")[0]

    assert modules - {"__init__", "__main__", "simulator"} == held
    assert [] == [name for name in held if not re.search(rf"`fetcher/{name}(\.py|/)`", floors)]


def test_code_in_the_documents_is_closed_where_it_was_opened() -> None:
    """A backtick without its fellow turns the rest of a paragraph inside out."""
    for document in _DOCUMENTS:
        text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        odd = [paragraph for paragraph in re.split(r"\n\s*\n", text) if paragraph.count("`") % 2]
        assert [] == odd, document.name


def test_both_commands_of_readme_can_be_found_by_ci() -> None:
    """One runs the main job, one all checks; CI reads the second from here."""
    for marker, word in (("demo command", "fetcher demo"), ("test command", "tests/check.py")):
        found = re.search(rf"<!-- {marker} -->\n```sh\n(.+)\n```", _README)
        assert found is not None
        assert word in found[1]
