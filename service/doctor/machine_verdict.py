"""What the machine, the database and the settings are like. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from service.doctor import web_verdict
from service.doctor.findings import Finding, Group, Remedy, Severity

GIGABYTE = 1_000_000_000
DISK_FAILS, DISK_WARNS = GIGABYTE // 5, GIGABYTE
SKEW = timedelta(seconds=2)
ZONES_OLD = timedelta(days=540)
LOSES = "After a power cut the service could believe that a message never left, and send it again."
SAFE = {
    "synchronous": {"2", "3"},  # FULL, EXTRA
    "journal_mode": {"wal"},
    "fsync": {"on"},
    "full_page_writes": {"on"},
    "synchronous_commit": {"on", "remote_write", "remote_apply", "local"},
}


@dataclass(frozen=True)
class Disk:
    place: str
    free: int
    whole: int
    database: int  # octets of the SQLite file; 0 beside PostgreSQL


def disk(seen: Disk) -> list[Finding]:
    free, place = f"{seen.free / GIGABYTE:,.1f} GB", seen.place
    why = "A full disk stops the database, and with it every edition."
    found = f"{free} of {seen.whole / GIGABYTE:,.0f} GB are free at {place}."
    if seen.free < DISK_WARNS:
        severity = Severity.FAIL if seen.free < DISK_FAILS else Severity.WARN
        return [
            Finding(
                "disk.full",
                Group.MACHINE,
                severity,
                "",
                found,
                why,
                "Make room, or move the data folder to a larger disk.",
            )
        ]
    if seen.free < seen.database:
        found += f" The database has {seen.database / GIGABYTE:,.1f} GB."
        return [
            Finding(
                "disk.no_copy",
                Group.MACHINE,
                Severity.WARN,
                "",
                found,
                "A copy of the database, as a backup makes one, has no room.",
            )
        ]
    return [Finding("disk.ok", Group.MACHINE, Severity.OK, "", found, why)]


def no_database(problem: str) -> list[Finding]:
    advice = "Look at MEMO_DATABASE_URL, and whether the database is running."
    return [
        Finding(
            "database.away",
            Group.MACHINE,
            Severity.FAIL,
            "",
            f"The database does not answer: {problem}.",
            "Nothing works without it.",
            advice,
        )
    ]


def unread() -> Finding:
    found = "Which newsletters, keys and relays there are could not be read, so they were not looked at."
    return Finding(
        "database.unread",
        Group.MACHINE,
        Severity.NOTE,
        "",
        found,
        "What is said of the rest holds all the same.",
    )


def no_tables(problem: str) -> list[Finding]:
    why = "This program and the tables of the database have to fit."
    return [
        Finding(
            "schema.differs",
            Group.MACHINE,
            Severity.FAIL,
            "",
            problem,
            why,
            "Run it, then start the service again.",
            (Remedy("memo migrate"),),
        )
    ]


def schema(steps: Sequence[str], newest: str) -> list[Finding]:
    if list(steps) == [newest]:
        return [
            Finding(
                "schema.ok",
                Group.MACHINE,
                Severity.OK,
                "",
                f"The tables are at step {newest}, as this program needs them.",
            )
        ]
    if any(step > newest for step in steps):
        found = f"The tables are at step {', '.join(steps)}; this program knows only those up to {newest}."
        advice = "A newer version of the program has changed them. Install that version again."
        return [
            Finding(
                "schema.newer",
                Group.MACHINE,
                Severity.FAIL,
                "",
                found,
                "This program may damage them.",
                advice,
            )
        ]
    return no_tables(f"The tables are at step {', '.join(steps) or 'none'}; this program needs {newest}.")


def durability(settings: Mapping[str, str], *, is_sqlite: bool) -> Iterator[Finding]:
    unsafe = {
        name: value for name, value in settings.items() if name in SAFE and value.lower() not in SAFE[name]
    }
    words = ", ".join(f"{name} = {value}" for name, value in (unsafe or settings).items())
    kind = "SQLite" if is_sqlite else "PostgreSQL"
    if unsafe:
        remedies = () if is_sqlite else tuple(Remedy(f"ALTER SYSTEM SET {name} = on;") for name in unsafe)
        advice = (
            "Set it, then reload the database."
            if remedies
            else "The file system may not allow it: use a local disk."
        )
        yield Finding(
            "database.unsafe",
            Group.MACHINE,
            Severity.FAIL,
            "",
            f"{kind} does not wait for the disk: {words}.",
            LOSES,
            advice,
            remedies,
        )
    else:
        yield Finding(
            "database.ok",
            Group.MACHINE,
            Severity.OK,
            "",
            f"{kind} answers, and a commit is on disk: {words}.",
            LOSES,
        )


def database_clock(skew: timedelta) -> Finding:
    return web_verdict.clock(abs(skew), "that of the database", tolerance=SKEW, group=Group.MACHINE)


def zones(wanted: Mapping[str, bool], version: str, today: date) -> Iterator[Finding]:
    """`wanted`: the time zones in use, and whether their data is there. `version`: of the package tzdata, such as 2026.1."""
    why = "Editions leave at local times, and countries change their rules several times a year."
    for zone in [zone for zone, is_there in wanted.items() if not is_there]:
        found = f"There is no data for the time zone {zone}."
        yield Finding(
            "zones.missing",
            Group.MACHINE,
            Severity.FAIL,
            zone,
            found,
            why,
            "Install it.",
            (Remedy("pip install --upgrade tzdata"),),
        )
    year = re.match(r"(\d{4})", version)
    if year and today - date(int(year[1]), 1, 1) > ZONES_OLD:
        found = f"The time zone data is of {version}."
        yield Finding(
            "zones.old",
            Group.MACHINE,
            Severity.NOTE,
            "",
            found,
            why,
            "Bring it up to date.",
            (Remedy("pip install --upgrade tzdata"),),
        )
    elif all(wanted.values()):
        names = ", ".join(wanted) or "no newsletter yet"
        yield Finding(
            "zones.ok", Group.MACHINE, Severity.OK, "", f"Time zone data {version} is there: {names}.", why
        )


def workers(alive: int, last_seen: str, *, is_sending: bool) -> Finding:
    if alive:
        return Finding(
            "workers.ok",
            Group.MACHINE,
            Severity.OK,
            "",
            f"{alive} worker{'s are' if alive > 1 else ' is'} at work.",
        )
    found = f"No worker is at work{f'; the last was seen at {last_seen} UTC' if last_seen else ''}."
    severity = Severity.FAIL if is_sending else Severity.NOTE
    return Finding(
        "workers.none",
        Group.MACHINE,
        severity,
        "",
        found,
        "Nothing leaves without one.",
        "Start one.",
        (Remedy("memo serve"),),
    )


def on_hold(reason: str) -> Iterator[Finding]:
    """After an older copy of the database was put back."""
    if reason:
        found, advice = f"Sending is on hold: {reason}", "Decide at the desk, on the page Recovery."
        yield Finding(
            "workers.on_hold", Group.MACHINE, Severity.FAIL, "", found, "Nothing leaves meanwhile.", advice
        )
