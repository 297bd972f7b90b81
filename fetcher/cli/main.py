"""The command ``fetcher``: its commands are loaded when they are called, and every error ends here."""

import errno
import gc
import importlib
import os
import sys
from typing import Any, Final

import click

_COMMANDS: Final = (
    "init",
    "add",
    "submit",
    "sync",
    "status",
    "list",
    "show",
    "retry",
    "reconcile",
    "verify",
    "prune",
    "export",
    "ledger",
    "demo",
)

_GARBAGE_AFTER: Final = 10_000
"""New objects after which the interpreter looks for garbage among them; its own default is 700."""


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
@click.option("-v", "--verbose", count=True, help="Say more; -vv says each step.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="How to say it on stderr.")
@click.pass_context
def group(ctx: click.Context, archive: str | None, quiet: bool, verbose: int, log_format: str) -> None:
    """Archive a Polyv video library: videos or task ids in, verified source files out.

    Make an archive with 'fetcher init DIR', choose videos with 'fetcher submit' or record task ids with 'fetcher
    add', and run 'fetcher sync' from cron.
    Settings stand in DIR/.fetcher/config.toml or in FETCHER_* of the environment; the credentials in POLYV_APP_ID
    and POLYV_APP_SECRET.
    """
    from fetcher.cli.context import Session
    from fetcher.cli.environment import tell_unknown
    from fetcher.cli.logs import set_up_logs

    set_up_logs(verbosity=-1 if quiet else verbose, log_format=log_format, environ=os.environ)
    tell_unknown(os.environ)
    ctx.obj = Session(
        archive=archive, environ=os.environ, verbosity=-1 if quiet else verbose, log_format=log_format
    )


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from fetcher.cli.limits import leave_no_core

    leave_no_core()
    # Loading makes some hundred thousand objects that live until the process ends. To look through them for
    # garbage, again and again on the way and once more at the end, takes a short command a fifth of its time.
    gc.set_threshold(_GARBAGE_AFTER)
    code = int(run(sys.argv[1:]))
    gc.freeze()
    sys.exit(_flushed(code))


def _flushed(code: int) -> int:
    """Write what is left to be written, return *code*, or 1 in place of 0 where it is lost: a disk was full.

    The interpreter would try once more at its end, and put its own 120 in the place of any code.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError as exc:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            code = code or int(exc.errno != errno.EPIPE)
    logs = sys.modules.get("fetcher.cli.logs")  # Where it was never needed, nothing was said.
    is_lost = logs is not None and logs.was_lost()
    return code or int(is_lost)


def run(arguments: list[str]) -> int:
    """Run the command line, return its exit code. The one place where every error ends."""
    no_color = False if os.environ.get("NO_COLOR") else None
    try:
        outcome: Any = group.main(arguments, prog_name="fetcher", standalone_mode=False, color=no_color)
    except (Exception, KeyboardInterrupt) as exc:  # noqa: BLE001 - the top: nothing is above
        from fetcher.cli.failures import tell

        return tell(exc)
    return outcome if isinstance(outcome, int) else 0
