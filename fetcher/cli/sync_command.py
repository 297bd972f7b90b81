"""``fetcher sync``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fetcher.cli.quantities import duration, size

if TYPE_CHECKING:
    from fetcher.cli.context import Session


@click.command("sync", short_help="One pass: ask for what is wanted, poll, download.")
@click.option("--jobs", type=int, help="Files downloaded at once, no more and no fewer; else jobs to jobs_max.")
@click.option("--limit-rate", metavar="RATE", help="Bytes a second of all downloads together, such as 20M.")
@click.option("--max-duration", metavar="TIME", callback=duration, help="End after this time: 50m.")
@click.option("--max-bytes", metavar="SIZE", callback=size, help="End after so many bytes: 500G.")
@click.option("--until-done", is_flag=True, help="Poll on until nothing is left.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be asked and downloaded.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout, the summary last.")
@click.pass_obj
def command(  # noqa: PLR0917 - click passes by name
    session: Session,
    jobs: int | None,
    limit_rate: str | None,
    max_duration: float | None,
    max_bytes: int | None,
    until_done: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """One pass: ask for what is wanted, poll what is due, download what is ready.

    Made for cron: silent on success without a terminal, and two passes never meet (exit code 11).
    """
    from fetcher.cli.environment import require_network_settings
    from fetcher.credentials import load_credentials
    from fetcher.domain.errors import UsageError

    if dry_run and as_json:
        raise UsageError("a plan is for people: --dry-run has no --json; leave one of them out")
    home = session.home()
    settings = session.settings(home, jobs=jobs, jobs_max=jobs, limit_rate=limit_rate)
    if dry_run:
        from fetcher.cli.forecast import tell_plan

        return tell_plan(home, session, settings)
    credentials = load_credentials(settings, session.environ)
    require_network_settings(session.environ)

    from fetcher.cli.pass_ import run_pass
    from fetcher.sync.outcome import Options

    options = Options(until_done=until_done, max_duration_s=max_duration, max_bytes=max_bytes)
    return run_pass(session, home, settings, credentials, options, as_json=as_json)
