from datetime import timedelta
from pathlib import Path

import pytest

from service import settings
from service.settings import SettingsInvalid


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the computer that runs the tests reaches them."""
    for field in settings.Settings.model_fields:
        monkeypatch.delenv(f"MEMO_{field.upper()}", raising=False)
    monkeypatch.delenv("MEMO_SECRETS_DIR", raising=False)


def test_it_starts_with_nothing_set() -> None:
    chosen = settings.load()
    assert chosen.is_sqlite
    assert chosen.database.endswith("/var/memo.sqlite3")
    assert chosen.base_url == "http://127.0.0.1:8300"
    assert chosen.greeting_name == "127.0.0.1"
    assert chosen.uncertain_after == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MEMO_PORT", "eighty"),
        ("MEMO_PORT", "65536"),
        ("MEMO_RELAY_CONNECTIONS", "0"),
        ("MEMO_UNCERTAIN_WAIT", "-1"),
        ("MEMO_PUBLIC_URL", "news.example.org"),
        ("MEMO_PUBLIC_URL", "ftp://news.example.org"),
        ("MEMO_BOUNCE_DOMAIN", "bounces@news.example.org"),
        ("MEMO_BOUNCE_DOMAIN", "localhost"),
        ("MEMO_LOG_FORMAT", "xml"),
        ("MEMO_LOG_LEVEL", "loud"),
        ("MEMO_SECRET_KEY", ","),
        ("MEMO_EHLO_NAME", "a b"),
        ("MEMO_RELAY_CA_FILE", "/there/is/no/such/file.pem"),
        ("MEMO_RELAY_CA_FILE", __file__),
        ("MEMO_TRUSTED_PROXIES", "127.0.0.1,foo"),
        ("MEMO_RESOLVER", "bogus"),
        ("MEMO_RESOLVER", "192.0.2.53:99999"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsInvalid, match=variable):
        settings.load()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MEMO_LOG_LEVEL", "debug"),
        ("MEMO_EHLO_NAME", "[192.0.2.1]"),
        ("MEMO_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8"),
        ("MEMO_TRUSTED_PROXIES", "*"),
        ("MEMO_RESOLVER", "192.0.2.53"),
        ("MEMO_RESOLVER", "192.0.2.53:5353"),
        ("MEMO_RESOLVER", "2001:db8::53"),
    ],
)
def test_a_value_that_can_be_used_is_taken(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    settings.load()


def test_an_unknown_kind_of_database_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMO_DATABASE_URL", "mysql://db.example.org/memo")
    with pytest.raises(SettingsInvalid, match="MEMO_DATABASE_URL"):
        _ = settings.load().database


@pytest.mark.parametrize(
    "url",
    ["postgresql://memo@db/memo", "postgres://memo@db/memo", "postgresql+asyncpg://memo@db/memo"],
    ids=["usual", "short", "whole"],
)
def test_postgresql_is_reached_by_our_driver(url: str) -> None:
    chosen = settings.load(database_url=url)
    assert chosen.database == "postgresql+asyncpg://memo@db/memo"
    assert not chosen.is_sqlite


def test_secrets_come_from_files_and_a_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memo_relay_url").write_text("smtp://relay.example.net:25\n")
    (tmp_path / "memo_secret_key").write_text("from the file\n")
    monkeypatch.setenv("MEMO_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("MEMO_SECRET_KEY", "from the variable")
    chosen = settings.load()
    assert chosen.relay_url == "smtp://relay.example.net:25"
    assert chosen.secret_key == "from the variable"


def test_a_list_is_divided_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMO_FETCH_ALLOW", "127.0.0.1:8301, 10.0.0.0/8")
    assert settings.load().fetch_allow == ("127.0.0.1:8301", "10.0.0.0/8")


def test_nb_17_links_begin_with_the_public_address() -> None:
    chosen = settings.load(public_url="https://news.example.org/")
    assert chosen.base_url == "https://news.example.org"
    assert chosen.greeting_name == "news.example.org"
    assert settings.load(ehlo_name="mail.example.org").greeting_name == "mail.example.org"


@pytest.mark.parametrize("name", ["templates", "static", "alembic", "examples"])
def test_what_belongs_to_the_product_is_found_in_the_checkout(name: str) -> None:
    assert settings.shipped(name).is_dir()
