"""The machine, its key, its database, and a newsletter's own details: each finding."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from service.doctor import machine_verdict, newsletter_verdict, secret_verdict
from service.doctor.findings import Finding, Severity
from service.doctor.machine_verdict import GIGABYTE, Disk
from service.doctor.newsletter_verdict import Publication
from service.doctor.secret_verdict import SecretFile

MEMO = Publication(
    "morning-memo", "memo@example.org", "example.org", "Harbor Light, 1 Pier Street", has_alarm=True
)
TODAY = date(2026, 3, 2)


def codes(found: list[Finding]) -> list[tuple[str, Severity]]:
    return [(one.code, one.severity) for one in found]


@pytest.mark.parametrize(
    ("free", "database", "expected"),
    [
        (50 * GIGABYTE, GIGABYTE, ("disk.ok", Severity.OK)),
        (2 * GIGABYTE, 3 * GIGABYTE, ("disk.no_copy", Severity.WARN)),
        (GIGABYTE // 2, 0, ("disk.full", Severity.WARN)),
        (GIGABYTE // 10, 0, ("disk.full", Severity.FAIL)),
    ],
)
def test_the_disk(free: int, database: int, expected: tuple[str, Severity]) -> None:
    assert codes(machine_verdict.disk(Disk("/srv/memo", free, 100 * GIGABYTE, database))) == [expected]


@pytest.mark.parametrize(
    ("settings", "is_sqlite", "code"),
    [
        ({"synchronous": "2", "journal_mode": "wal"}, True, "database.ok"),
        ({"synchronous": "1", "journal_mode": "wal"}, True, "database.unsafe"),
        ({"synchronous": "2", "journal_mode": "delete"}, True, "database.unsafe"),
        ({"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}, False, "database.ok"),
        ({"fsync": "off", "full_page_writes": "on", "synchronous_commit": "on"}, False, "database.unsafe"),
        ({"fsync": "on", "full_page_writes": "on", "synchronous_commit": "off"}, False, "database.unsafe"),
    ],
)
def test_whether_a_commit_is_on_disk(settings: dict[str, str], is_sqlite: bool, code: str) -> None:
    (finding,) = machine_verdict.durability(settings, is_sqlite=is_sqlite)
    assert finding.code == code
    if code == "database.unsafe" and not is_sqlite:
        (off,) = [name for name, value in settings.items() if value == "off"]
        assert [one.text for one in finding.remedies] == [f"ALTER SYSTEM SET {off} = on;"]


def test_the_tables() -> None:
    assert codes(machine_verdict.schema(["0004"], "0004")) == [("schema.ok", Severity.OK)]
    behind = machine_verdict.schema(["0003"], "0004")
    assert codes(behind) == [("schema.differs", Severity.FAIL)]
    assert behind[0].remedies[0].text == "memo migrate"
    assert codes(machine_verdict.schema([], "0004")) == [("schema.differs", Severity.FAIL)]
    assert codes(machine_verdict.schema(["0005"], "0004")) == [("schema.newer", Severity.FAIL)]
    assert codes([machine_verdict.unread()]) == [("database.unread", Severity.NOTE)]
    assert codes(machine_verdict.no_database("TimeoutError")) == [("database.away", Severity.FAIL)]


@pytest.mark.parametrize(
    ("seen", "is_sqlite", "code"),
    [
        (SecretFile("var/secret-key", 0o600), True, "secret.ok"),
        (SecretFile("var/secret-key", 0o400), True, "secret.ok"),
        (SecretFile("var/secret-key", 0o640), True, "secret.readable"),
        (SecretFile("var/secret-key", 0o604), True, "secret.readable"),
        (SecretFile("var/secret-key", 0o600), False, "secret.of_one_machine"),
        (SecretFile("var/secret-key", None), True, "secret.none"),
        (SecretFile("var/secret-key", None, 48), False, "secret.ok"),
        (SecretFile("var/secret-key", 0o644, 12), False, "secret.short"),
    ],
)
def test_the_secret_key(seen: SecretFile, is_sqlite: bool, code: str) -> None:
    finding = secret_verdict.judged(seen, is_sqlite=is_sqlite)
    assert finding.code == code
    assert code != "secret.readable" or finding.remedies[0].text == "chmod 600 var/secret-key"


@pytest.mark.parametrize(
    ("wanted", "version", "expected"),
    [
        ({"Europe/Berlin": True}, "2026.1", ["zones.ok"]),
        ({}, "of the system", ["zones.ok"]),
        ({"Europe/Berlin": True, "Mars/Olympus": False}, "2026.1", ["zones.missing"]),
        ({"Europe/Berlin": True}, "2023.3", ["zones.old"]),
    ],
)
def test_time_zones(wanted: dict[str, bool], version: str, expected: list[str]) -> None:
    assert [one.code for one in machine_verdict.zones(wanted, version, TODAY)] == expected


def test_the_clock_of_the_database() -> None:
    assert machine_verdict.database_clock(timedelta(seconds=-2)).code == "clock.ok"
    differs = machine_verdict.database_clock(timedelta(seconds=-30))
    assert (differs.code, differs.severity) == ("clock.differs", Severity.WARN)
    assert "by 30 s; 2 s are tolerated" in differs.found


def test_workers() -> None:
    assert machine_verdict.workers(2, "", is_sending=True).code == "workers.ok"
    gone = machine_verdict.workers(0, "2026-03-02 05:30", is_sending=True)
    assert (gone.code, gone.severity) == ("workers.none", Severity.FAIL)
    assert "05:30 UTC" in gone.found
    assert machine_verdict.workers(0, "", is_sending=False).severity is Severity.NOTE


def test_a_hold_after_a_restore() -> None:
    assert list(machine_verdict.on_hold("")) == []
    assert codes(list(machine_verdict.on_hold("an older copy was put back."))) == [
        ("workers.on_hold", Severity.FAIL)
    ]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (MEMO, ["newsletter.ok"]),
        (replace(MEMO, has_alarm=False), ["newsletter.ok", "newsletter.no_alarm"]),
        (replace(MEMO, postal_address=" - "), ["newsletter.no_postal_address"]),
        (replace(MEMO, domain="gmail.com"), ["newsletter.free_mail"]),
    ],
)
def test_a_newsletter(one: Publication, expected: list[str]) -> None:
    assert [finding.code for finding in newsletter_verdict.judged(one)] == expected
