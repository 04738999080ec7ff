"""`memo doctor`: readable at 80 columns, as JSON, and by its exit code; it makes and changes nothing."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.cli import doctor
from service.doctor.findings import Examination, Finding, Group, Remedy, Severity
from tests.service.command.test_memo import memo, said
from tests.support.name_server import NameServer


def test_in_an_empty_folder_it_says_what_is_missing_and_makes_nothing(tmp_path: Path) -> None:
    found = memo(tmp_path, "doctor")
    assert found.returncode == doctor.FAILED
    assert "memo migrate" in found.stdout
    assert "could not be read" in found.stdout
    assert "no relay" not in found.stdout, "nobody knows"
    assert list(tmp_path.iterdir()) == []


async def test_it_is_readable_by_people_and_programs(tmp_path: Path) -> None:
    async with NameServer() as dns:
        dns.txt("example.org", "v=spf1 " + "ip4:192.0.2.1 " * 20 + "+all")
        command = ("doctor", "--domain", "example.org")
        found, as_json = await asyncio.gather(
            asyncio.to_thread(memo, tmp_path, *command, MEMO_RESOLVER=dns.address),
            asyncio.to_thread(memo, tmp_path, *command, "--json", MEMO_RESOLVER=dns.address),
        )
    assert (found.returncode, as_json.returncode) == (doctor.FAILED, doctor.FAILED)
    assert max(len(line) for line in found.stdout.splitlines()) <= doctor.COLUMNS
    assert "\x1b" not in found.stdout
    for text in (
        "The SPF record ends in +all.",
        "example.org. IN TXT (",
        "_dmarc.example.org. IN TXT",
        "failures",
    ):
        assert text in found.stdout
    told = json.loads(as_json.stdout)
    assert (told["severity"], told["scope"]) == ("fail", "example.org")
    assert {"spf.all_pass", "dmarc.missing"} <= {one["code"] for one in told["findings"]}
    assert {one["group"] for one in told["findings"]} == {"domain", "return path"}
    assert "dkim.no_key" not in {one["code"] for one in told["findings"]}, "nobody knows which keys there are"


def test_what_cannot_be_looked_at_is_refused(tmp_path: Path) -> None:
    assert "MEMO_RESOLVER" in said(memo(tmp_path, "doctor", MEMO_RESOLVER="nowhere"))


@pytest.mark.parametrize("has_colour", [True, False])
def test_colours_and_records(has_colour: bool) -> None:
    remedies = (
        Remedy("v=DKIM1; p=" + "A" * 300, "s._domainkey.example.org", "TXT"),
        Remedy("10 mail.example.org.", "example.org", "MX"),
        Remedy("memo dkim create example.org"),
    )
    texts = ("example.org", "There is no record.", "Why.", "Publish it.")
    one = Finding("dkim.missing", Group.DOMAIN, Severity.FAIL, *texts, remedies)
    found = Examination(datetime(2026, 3, 2, tzinfo=UTC), 1.0, "", (one,))
    lines = list(doctor.told(found, has_colour=has_colour))
    assert ("\x1b[31mfail" in "\n".join(lines)) is has_colour
    strings = [line.strip().rstrip(" )").strip('"') for line in lines if line.strip().startswith('"')]
    assert "".join(strings) == remedies[0].text
    assert any(line.strip() == "example.org. IN MX 10 mail.example.org." for line in lines)
    assert lines[-2].startswith("1 failure.")
