"""`memo dkim …`: from a key to its record, and from one key to the next."""

from pathlib import Path

from service.delivery import dkim_material
from tests.service.command.test_memo import memo, said
from tests.unit.delivery.test_dkim_material import pem


def test_from_nothing_to_the_second_key(migrated: Path) -> None:
    assert "unsigned" in memo(migrated, "dkim", "list").stdout

    made = memo(migrated, "dkim", "create", "news.example.org", "--selector", "memo1").stdout
    assert "TXT record for memo1._domainkey.news.example.org" in made
    assert "\nv=DKIM1; k=rsa; p=MIIB" in made
    assert "memo dkim activate news.example.org memo1" in made
    assert "PRIVATE" not in made

    assert "signed with memo1" in memo(migrated, "dkim", "activate", "news.example.org", "memo1").stdout

    file = migrated / "key.pem"
    file.write_bytes(pem(dkim_material.new_private_key()))
    memo(migrated, "dkim", "import", "news.example.org", str(file), "--selector", "memo2")
    changed = memo(migrated, "dkim", "activate", "news.example.org", "memo2").stdout
    assert "memo1 is retired: keep its record in the DNS for at least 7 more days" in changed

    listed = memo(migrated, "dkim", "list", MEMO_SECRET_KEY="another").stdout
    assert "memo2  2048 bits  signs since 20" in listed
    assert "memo1  2048 bits  retired since 20" in listed
    assert 'memo2._domainkey.news.example.org. IN TXT ( "v=DKIM1; k=rsa; p=MIIB' in listed
    assert "memo1._domainkey" not in listed
    assert listed.count("memo dkim relock") == 2


def test_what_cannot_be_used_is_refused_with_what_to_do(migrated: Path) -> None:
    assert "memo dkim list" in said(memo(migrated, "dkim", "activate", "example.org", "memo1"))
    nowhere = ["dkim", "import", "example.org", "nowhere.pem", "--selector", "s1"]
    assert "nowhere.pem: No such file" in said(memo(migrated, *nowhere))
