"""Durations and sizes as options of a command."""

import click


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a duration as people write it."""
    from fetcher.domain.quantities import parse_duration

    try:
        return None if value is None else parse_duration(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc), ctx=ctx, param=param) from exc


def size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read a size as people write it."""
    from fetcher.domain.quantities import parse_size

    try:
        return None if value is None else parse_size(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc), ctx=ctx, param=param) from exc
