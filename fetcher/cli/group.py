"""The command ``fetcher`` and its options; its commands are loaded when they are called."""

import importlib
import os
from typing import Final

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
    from fetcher.cli.stopping import Signals

    set_up_logs(verbosity=-1 if quiet else verbose, log_format=log_format, environ=os.environ)
    tell_unknown(os.environ)
    ctx.obj = Session(
        archive=archive,
        environ=os.environ,
        verbosity=-1 if quiet else verbose,
        log_format=log_format,
        signals=ctx.ensure_object(Signals),
    )
