"""`memo relay`: entered without the password on the command line, tried out, used."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.nursery import ran
from tests.support.relay import Relay

PASSWORD = "a password nobody may see"


async def memo(folder: Path, *arguments: str, told: str = "") -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(ran, folder, "relay", *arguments, told=told)


async def test_from_entry_to_use(migrated: Path, relay: Relay) -> None:
    assert "built-in mailbox" in (await memo(migrated, "list")).stdout
    address = ("--host", relay.host, "--port", str(relay.port), "--tls", "none")
    added = await memo(migrated, "add", "near", *address)
    assert added.returncode == 0, added.stderr
    assert "and off" in added.stdout

    tried = await memo(migrated, "test", "near", "--to", "ops@example.org", "--from", "it@example.org")
    assert tried.returncode == 0, tried.stderr
    assert "near took the message." in tried.stdout
    assert [one.recipient for one in relay.received] == ["ops@example.org"]

    far = ("--host", "relay.example.net", "--user", "memo", "--password-file", "-")
    assert (await memo(migrated, "add", "far", *far, told=PASSWORD + "\n")).returncode == 0
    assert (await memo(migrated, "use", "near")).returncode == 0
    assert (await memo(migrated, "use", "far", "--fallback")).returncode == 0
    limited = await memo(migrated, "provider", "near", "gmail.com", "--rate", "5", "--why", "warming up")
    assert limited.stdout.strip() == "Google gets at most 5 a second."
    listed = (await memo(migrated, "list")).stdout.splitlines()
    assert "Google gets at most 5 messages a second: warming up" in listed.pop(1)
    assert [line.split()[:2] for line in listed] == [["main", "near:"], ["fallback", "far:"]]
    assert PASSWORD not in "".join(listed)
    assert PASSWORD.encode() not in (migrated / "var" / "memo.sqlite3").read_bytes()
    assert "Choose another name" in (await memo(migrated, "add", "near", *address)).stderr
    assert "switched off can be removed" in (await memo(migrated, "remove", "near")).stderr
    assert "Enter it again" in (await memo(migrated, "change", "far", "--port", "25")).stderr
    assert (await memo(migrated, "change", "far", "--connections", "3")).returncode == 0
    assert (await memo(migrated, "off", "far")).returncode == 0
    assert (await memo(migrated, "remove", "far")).returncode == 0


async def test_a_trial_that_fails_ends_with_what_to_do(migrated: Path, relay: Relay) -> None:
    await memo(migrated, "add", "near", "--host", relay.host, "--port", str(relay.port))
    tried = await memo(migrated, "test", "near")
    assert tried.returncode == 1
    assert "failed        Encryption: It does not offer STARTTLS." in tried.stdout
    (line,) = tried.stderr.strip().splitlines()
    assert line.startswith("memo: near does not work yet: Encryption.")


@pytest.mark.parametrize(
    ("profile", "says"),
    [("ses", "memo relay hook confirm box"), ("sendgrid", "memo relay hook key box"), ("postmark", "Under")],
)
async def test_an_address_for_events_comes_with_what_to_do_with_it(
    migrated: Path, profile: str, says: str
) -> None:
    await memo(migrated, "add", "box", "--host", "relay.example.net", "--tls", "none")
    made = await memo(migrated, "hook", "make", "box", "--format", profile)
    assert made.returncode == 0, made.stderr
    assert "  1. " in made.stdout
    assert says.lower() in made.stdout.lower()


@pytest.mark.parametrize("host", ["127.0.0.1:2526", "smtp.example.net:587", "smtp://smtp.example.net"])
async def test_a_port_or_a_scheme_is_no_part_of_a_host(migrated: Path, host: str) -> None:
    refused = await memo(migrated, "add", "near", "--host", host)
    assert refused.returncode == 1
    assert "without a port behind it" in refused.stderr


async def test_an_address_for_events_is_shown_once(migrated: Path) -> None:
    await memo(migrated, "add", "box", "--host", "relay.example.net", "--tls", "none")
    made = await memo(migrated, "hook", "make", "box")
    assert made.returncode == 0, made.stderr
    (address,) = re.findall(r"http\S+/hooks/box/\S{43}", made.stdout)
    assert "memo_" in made.stdout
    shown = await memo(migrated, "hook", "show", "box")
    assert "Signed JSON" in shown.stdout
    assert address.rpartition("/")[2] not in shown.stdout
    twice = await memo(migrated, "hook", "make", "box")
    assert (twice.returncode, "new secret" in twice.stderr) == (1, True)
