"""`memo account …` and `memo key …`: who comes in, and how somebody is kept out again."""

from pathlib import Path

from tests.service.command.test_memo import memo, said

ADDRESS = "ada@news.example.org"


def test_a_key_is_listed_and_ended_by_its_first_characters(migrated: Path) -> None:
    assert "no key yet" in memo(migrated, "key", "list").stdout
    secret = memo(migrated, "key", "create", "--name", "our site", "--scope", "read").stdout.strip()
    memo(migrated, "key", "create", "--name", "another", "--scope", "send")

    listed = memo(migrated, "key", "list").stdout
    assert f"{secret[:11]}…  our site: read, since 20" in listed
    assert secret not in listed
    assert "Several keys" in said(memo(migrated, "key", "revoke", "memo_"))
    assert "memo key list" in said(memo(migrated, "key", "revoke", "memo_nosuch"))
    assert "memo key list" in said(memo(migrated, "key", "revoke", ""))
    assert memo(migrated, "key", "revoke", f"{secret[:11]}…").stdout == "our site is revoked.\n"
    first, second = memo(migrated, "key", "list").stdout.splitlines()
    assert "revoked 20" in first
    assert "revoked" not in second


def test_a_password_is_changed_and_a_person_signed_out(migrated: Path) -> None:
    assert "memo account add" in memo(migrated, "account", "list").stdout
    person = ("--name", "Ada Okafor", "--address", ADDRESS, "--password", "an editor's long password")
    memo(migrated, "account", "add", *person)

    assert f"{ADDRESS}  Ada Okafor, since 20" in memo(migrated, "account", "list").stdout
    changed = memo(migrated, "account", "password", "Ada@News.example.org", "--password", "quite another one")
    assert changed.stdout == "The new password is in use; nobody was signed in.\n"
    assert "at least 10" in said(memo(migrated, "account", "password", ADDRESS, "--password", "short"))
    assert memo(migrated, "account", "sign-out", ADDRESS).stdout == "Done: nobody was signed in.\n"
    assert "memo account list" in said(memo(migrated, "account", "sign-out", "ole@example.org"))
