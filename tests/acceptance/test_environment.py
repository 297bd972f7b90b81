"""A typo in the environment does not pass for the default."""

from archive_case import ArchiveCase


def test_a_typo_is_told_once_with_what_may_be_meant(case: ArchiveCase) -> None:
    """F101."""
    ended = case.run("sync", "--dry-run", FETCHER_JOPS="3")

    assert 0 == ended.returncode
    assert "fetcher: FETCHER_JOPS in the environment is no setting; is FETCHER_JOBS meant?\n" == ended.stderr


def test_a_name_like_no_other_is_told_without_a_guess(case: ArchiveCase) -> None:
    ended = case.run("status", FETCHER_WEATHER="fair")

    assert (
        "fetcher: FETCHER_WEATHER in the environment is no setting; .fetcher/config.toml names all settings\n"
        == ended.stderr
    )
    assert "fair" not in ended.stdout


def test_what_is_known_or_empty_or_not_ours_is_not_told(case: ArchiveCase) -> None:
    ended = case.run("status", FETCHER_JOBS="3", FETCHER_JOPS="", NOT_FETCHER_JOPS="3")

    assert (0, "") == (ended.returncode, ended.stderr)


def test_quiet_is_quiet_about_it(case: ArchiveCase) -> None:
    assert "" == case.run("-q", "status", FETCHER_JOPS="3").stderr
