"""The command ``fetcher``: its commands are loaded when they are called, and every error ends here."""

import importlib
import logging
import os
import sys
from typing import Any, Final

import click

from fetcher.cli.context import Session
from fetcher.cli.logs import set_up_logs, short_traceback
from fetcher.domain.errors import FetcherError
from fetcher.domain.exit_code import ExitCode, code_of

_LOG: Final = logging.getLogger("fetcher")
_SAID: Final = logging.getLogger("fetcher.said")
_COMMANDS: Final = ("init", "add", "sync", "status", "list", "show", "retry", "demo")


class _LazyGroup(click.Group):
    """Knows its commands by name and loads one when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"fetcher.cli.{cmd_name}_command").command
        return command if isinstance(command, click.Command) else None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(message="%(version)s", version=None, package_name="fetcher")
@click.option(
    "--archive", metavar="DIR", envvar="FETCHER_ARCHIVE", help="The archive; else the nearest one upwards."
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.option("-v", "--verbose", count=True, help="Say more.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="How to say it on stderr.")
@click.pass_context
def group(ctx: click.Context, archive: str | None, quiet: bool, verbose: int, log_format: str) -> None:
    """Archive a Polyv video library: task ids in, verified source files out.

    Make an archive with 'fetcher init DIR', record task ids with 'fetcher add', and run 'fetcher sync' from cron.
    Settings stand in DIR/.fetcher/config.toml or in FETCHER_* of the environment; the credentials in POLYV_APP_ID
    and POLYV_APP_SECRET.
    """
    set_up_logs(verbosity=-1 if quiet else verbose, log_format=log_format, environ=os.environ)
    ctx.obj = Session(
        archive=archive, environ=os.environ, verbosity=-1 if quiet else verbose, log_format=log_format
    )


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(int(run(sys.argv[1:])))


def run(arguments: list[str]) -> int:
    """Run the command line, return its exit code. The one place where every error ends."""
    no_color = False if os.environ.get("NO_COLOR") else None
    try:
        outcome: Any = group.main(arguments, prog_name="fetcher", standalone_mode=False, color=no_color)
    except click.ClickException as exc:
        exc.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.SIGINT
    except FetcherError as exc:
        complain(str(exc))
        return code_of(exc)
    except Exception as exc:  # noqa: BLE001 - the top: nothing is above
        return _unexpected(exc)
    return outcome if isinstance(outcome, int) else ExitCode.OK


def complain(text: str) -> None:
    """Say one line of error on stderr, if there still is one."""
    _LOG.error("%s", text)


def say(text: str) -> None:
    """Say one line on stderr that was asked for, whatever the level."""
    _SAID.info("%s", text)


def _unexpected(exc: Exception) -> int:
    """An error that nobody foresaw: its kind and place, not its text, which may hold a secret."""
    complain(f"unexpected {type(exc).__name__}; nothing that was done is lost. Please report it with these lines:")
    complain(short_traceback(exc))
    return ExitCode.UNEXPECTED
