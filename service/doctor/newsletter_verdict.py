"""What a newsletter's own details have to hold. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from service.doctor.findings import Finding, Group, Severity, worst

POSTAL_CHARACTERS = 10
FREE_MAIL = {
    "gmail.com", "googlemail.com", "yahoo.com", "outlook.com", "hotmail.com", "live.com", "aol.com", "icloud.com", "me.com", "gmx.de",
    "gmx.net", "web.de", "t-online.de", "proton.me", "protonmail.com",
}  # fmt: skip


@dataclass(frozen=True)
class Publication:
    """`domain`: that of its From address, as A-labels."""

    slug: str
    from_address: str
    domain: str
    postal_address: str
    has_alarm: bool


def judged(one: Publication) -> list[Finding]:
    found = list(_wrong(one))
    if worst(found) in {Severity.WARN, Severity.FAIL}:
        return found
    said = "Its sender and its postal address are there."
    return [Finding("newsletter.ok", Group.NEWSLETTER, Severity.OK, one.slug, said), *found]


def _wrong(one: Publication) -> Iterator[Finding]:
    say = partial(Finding, group=Group.NEWSLETTER, subject=one.slug)
    if one.domain in FREE_MAIL:
        found = f"It comes from {one.from_address}, at a domain of private mailboxes."
        why = f"{one.domain} tells the world to refuse messages that it has not sent itself."
        advice = "Use an address of your own domain."
        yield say("newsletter.free_mail", severity=Severity.FAIL, found=found, why=why, advice=advice)
    if len(one.postal_address.strip()) < POSTAL_CHARACTERS:
        found = "Its postal address is missing, or too short to be one."
        why = "Many countries want it in every bulk message (in the United States, CAN-SPAM)."
        advice = f"Enter it: memo newsletter change {one.slug} --postal-address …"
        yield say("newsletter.no_postal_address", severity=Severity.WARN, found=found, why=why, advice=advice)
    if not one.has_alarm:
        found = "Nobody is told by mail when something goes wrong."
        why = "Alarms go to an address of the newsletter's."
        advice = f"Enter one: memo newsletter change {one.slug} --alarm-address …"
        yield say("newsletter.no_alarm", severity=Severity.NOTE, found=found, why=why, advice=advice)
