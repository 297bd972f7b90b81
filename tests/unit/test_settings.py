from pathlib import Path

import pytest

from fetcher.archive.home import Home
from fetcher.credentials import Credentials, load_credentials
from fetcher.domain.errors import UsageError
from fetcher.domain.vendor import Mismatch
from fetcher.settings import Settings, annotated_config, load_settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / ".fetcher").mkdir()
    return Home(tmp_path)


def test_flags_come_before_environment_before_config_before_defaults(home: Home) -> None:
    home.config.write_text('jobs = 2\ntries = 2\nlayout = "{title}{ext}"\n')
    environ = {"FETCHER_JOBS": "3", "FETCHER_TRIES": "3"}

    settings = load_settings(home, environ, {"jobs": 4, "limit_rate": None})

    assert (4, 3, "{title}{ext}", 60) == (settings.jobs, settings.tries, settings.layout, settings.poll_interval)


@pytest.mark.parametrize(
    ("config", "environ", "flags", "expected"),
    [
        ("", {}, {}, (8, 32)),
        ("jobs = 3", {}, {}, (3, 32)),
        ("jobs = 40", {}, {}, (40, 40)),
        ("jobs = 4\njobs_max = 4", {}, {}, (4, 4)),
        ("jobs_max = 16", {"FETCHER_JOBS": "20"}, {}, (20, 20)),
        ("jobs_max = 16", {}, {"jobs": 3, "jobs_max": 3}, (3, 3)),
    ],
)
def test_a_run_may_grow_to_what_is_named_and_never_to_less_than_it_begins_with(
    home: Home, config: str, environ: dict[str, str], flags: dict[str, int], expected: tuple[int, int]
) -> None:
    home.config.write_text(config)
    settings = load_settings(home, environ, flags)

    assert expected == (settings.jobs, settings.jobs_max)


def test_an_annotated_config_as_it_is_written_changes_nothing(home: Home) -> None:
    home.config.write_text(annotated_config())

    assert Settings() == load_settings(home, {}, {})


def test_an_annotated_config_uncommented_is_the_defaults(home: Home) -> None:
    lines = annotated_config().splitlines()
    home.config.write_text("\n".join(line.removeprefix("#") for line in lines if not line.startswith("# ")))

    assert Settings() == load_settings(home, {}, {})


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ("jobs = 0", "jobs"),
        ("jobs = 65", "jobs"),
        ("jobs_max = 65", "jobs_max"),
        ("jobs_max = 4", "jobs_max is 4, and jobs, with which a run begins, 8"),
        ('jobs = "some"', "jobs"),
        ("nothing = 1", "nothing"),
        ("jobs = ", "TOML"),
        ("give_up_after = 3600", "give_up_after"),
        ('limit_rate = "fast"', "limit_rate: 'fast' is no size"),
        ('min_free = "viel"', "min_free: 'viel' is no size"),
        ('thaw_budget = "x"', "thaw_budget: 'x' is no size"),
        ("jops = 3", "jops is no setting; is jobs meant"),
        ('limit_rate = "0"', "limit_rate is '0', less than a byte a second"),
        ('limit_rate = "0.9"', "limit_rate is '0.9', less than a byte a second"),
        ('layout = "/{vid}"', "layout"),
        ('ledger = "postgresql://db/fetcher"', "not supported"),
        ('layout = "{created}"', "layout"),
        ("stall_seconds = -1", "stall_seconds"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_place(home: Home, config: str, word: str) -> None:
    home.config.write_text(config)

    with pytest.raises(UsageError, match=word) as refused:
        load_settings(home, {}, {})
    assert str(home.config) in str(refused.value)
    assert "?." not in str(refused.value), "a question has its own mark"


@pytest.mark.parametrize(
    ("environ", "flags", "where"),
    [({"FETCHER_JOBS": "0"}, {}, "in the environment"), ({}, {"jobs": 0}, "on the command line")],
)
def test_a_value_that_does_not_stand_in_the_config_is_refused_with_its_place(
    home: Home, environ: dict[str, str], flags: dict[str, int], where: str
) -> None:
    with pytest.raises(UsageError, match=f"^a setting {where} cannot be used: jobs: "):
        load_settings(home, environ, flags)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:canary@api.polyv.net",
        "https://canary@api.polyv.net",
        "https://api.polyv.net?key=canary",
        "https://api.polyv.net#canary",
        "https://u:canary@api\u2100.net",
        "https://u:canary@[api.net",
        "https://api.polyv.net:canary",
        "https:///canary",
        "http://u:canary@127.0.0.1:80",
    ],
)
def test_an_api_s_address_has_no_user_and_is_not_repeated(home: Home, url: str) -> None:
    """F91: a password in it would be sent, and told with -vv."""
    with pytest.raises(UsageError, match="api_url") as refused:
        load_settings(home, {"FETCHER_API_URL": url}, {})

    assert "canary" not in str(refused.value)


def test_sizes_are_read_as_people_write_them(home: Home) -> None:
    settings = load_settings(home, {"FETCHER_MIN_FREE": "1.5G", "FETCHER_LIMIT_RATE": "20M"}, {})

    assert (1610612736, 20971520) == (settings.reserve, settings.bytes_per_s)


def test_a_number_will_do_for_a_size(home: Home) -> None:
    home.config.write_text("min_free = 4096")

    assert 4096 == load_settings(home, {}, {}).reserve


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.polyv.net", False),
        ("http://127.0.0.1:8000", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:80/", True),
        ("https://localhost:1", True),
        ("https://127.0.0.1.example.org", False),
    ],
)
def test_only_a_loopback_api_opens_loopback_to_links(url: str, expected: bool) -> None:  # noqa: FBT001
    assert expected == Settings(api_url=url).is_api_here


@pytest.mark.parametrize("whose", ["app", "user"])
def test_a_secret_comes_from_the_environment_a_file_or_a_credential(tmp_path: Path, whose: str) -> None:
    """The sub-account's, and the main account's beside it."""
    named, credentials = tmp_path / "named", tmp_path / "credentials"
    named.write_text("from-file\n")
    named.chmod(0o600)
    credentials.mkdir()
    (credentials / f"polyv_{whose}_secret").write_text("from-systemd")
    name = f"POLYV_{whose.upper()}_SECRET"
    sources = {
        "POLYV_APP_ID": "id",
        "POLYV_USER_ID": "1b448be323" if whose == "user" else "",
        "POLYV_APP_SECRET": "of-the-app",
        name: "from-environment",
        f"{name}_FILE": str(named),
        "CREDENTIALS_DIRECTORY": str(credentials),
    }
    found = []
    for gone in ("", name, f"{name}_FILE"):
        sources.pop(gone, None)
        found.append(getattr(load_credentials(Settings(), sources), f"{whose}_secret"))

    assert ["from-environment", "from-file", "from-systemd"] == found


def test_credentials_do_not_show_their_secret() -> None:
    shown = Credentials(app_id="me", app_secret="s3cr3t", user_id="us", user_secret="s3cr3t2")

    assert "s3cr3t" not in f"{shown!r} {shown}"
    assert ("s3cr3t", "s3cr3t2") == shown.secrets


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"POLYV_USER_ID": "1b448be323"}, "no secret of the main account"),
        ({"POLYV_USER_SECRET": "s3cr3t"}, "no userid"),
        ({"POLYV_USER_ID": "../x", "POLYV_USER_SECRET": "s3cr3t"}, "letters and digits"),
    ],
)
def test_half_of_a_main_account_is_told(changed: dict[str, str], said: str) -> None:
    """F101: instead of MD5s that are never asked for."""
    with pytest.raises(UsageError, match=said):
        load_credentials(Settings(), {"POLYV_APP_ID": "id", "POLYV_APP_SECRET": "of-the-app", **changed})


def test_what_becomes_of_a_mismatch_is_one_of_three() -> None:
    assert ["quarantine", "keep", "fail"] == list(Mismatch)
    with pytest.raises(UsageError, match="mismatch"):
        load_settings(Home(Path("/nowhere")), {"FETCHER_MISMATCH": "ignore"}, {})


def test_a_missing_secret_file_is_named_and_who_names_it(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"

    with pytest.raises(UsageError, match=f"POLYV_APP_SECRET_FILE or app_secret_file.*{nowhere}"):
        load_credentials(Settings(app_id="a", app_secret_file=str(nowhere)), {})


@pytest.mark.parametrize("held", ["", "\n"])
def test_a_secret_file_that_is_empty_is_told_as_that(tmp_path: Path, held: str) -> None:
    """Not as if none were named."""
    empty = tmp_path / "secret"
    empty.write_text(held, encoding="utf-8")
    empty.chmod(0o600)

    with pytest.raises(UsageError, match=f"app_secret_file.*{empty}: it is empty$"):
        load_credentials(Settings(app_id="a", app_secret_file=str(empty)), {})


def test_a_secret_file_that_is_named_by_half_its_path_is_told_what_helps() -> None:
    """Cron's directory is another one. The name is not told: it may be the secret itself."""
    with pytest.raises(UsageError, match=r"No such file or directory\. Name the file with its whole path$") as told:
        load_credentials(Settings(app_id="a"), {"POLYV_APP_SECRET_FILE": "s3cr3t"})
    assert "s3cr3t" not in str(told.value)


def test_a_secret_file_in_the_home_of_somebody_unknown_is_one_that_cannot_be_read() -> None:
    with pytest.raises(UsageError, match=r"app_secret_file.*~nobody-here/secret: No such file"):
        load_credentials(Settings(app_id="a", app_secret_file="~nobody-here/secret"), {})


def test_no_secret_at_all_names_every_way_to_give_one() -> None:
    """Cron hands on nothing of a shell's environment: the config is where most will put it."""
    with pytest.raises(UsageError, match=r"POLYV_APP_SECRET,.*POLYV_APP_SECRET_FILE,.*app_secret_file"):
        load_credentials(Settings(app_id="a"), {})
