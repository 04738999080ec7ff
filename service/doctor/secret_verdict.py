"""The key that signs and locks everything else. Pure."""

from dataclasses import dataclass
from functools import partial

from service.doctor.findings import Finding, Group, Remedy, Severity

CHARACTERS = 32
WHY = "It signs unsubscribe links and unlocks the passwords of relays and DKIM keys. Keep a copy apart from the database's."


@dataclass(frozen=True)
class SecretFile:
    """`mode` None: there is no file. `shortest`: characters of the shortest key in MEMO_SECRET_KEY; 0 if that is not set. Where it
    is, the file does not count.
    """

    place: str
    mode: int | None
    shortest: int = 0


def judged(seen: SecretFile, *, is_sqlite: bool) -> Finding:
    say = partial(Finding, group=Group.MACHINE, subject="", why=WHY)
    if seen.shortest:
        return _from_setting(seen)
    if seen.mode is None:
        found = "There is no secret key yet; the first start makes one."
        return say("secret.none", severity=Severity.NOTE, found=found)
    if seen.mode & 0o077:
        found = f"Others on this machine may read {seen.place} (mode {seen.mode:04o})."
        remedies = (Remedy(f"chmod 600 {seen.place}"),)
        return say(
            "secret.readable", severity=Severity.FAIL, found=found, advice="Close it.", remedies=remedies
        )
    if not is_sqlite:
        found = f"The secret key is kept in {seen.place}."
        advice = "If several machines share this database, give all of them the same key as MEMO_SECRET_KEY."
        return say("secret.of_one_machine", severity=Severity.NOTE, found=found, advice=advice)
    found = f"The secret key is kept in {seen.place}, readable by its owner only."
    return say("secret.ok", severity=Severity.OK, found=found)


def _from_setting(seen: SecretFile) -> Finding:
    say = partial(Finding, group=Group.MACHINE, subject="", why=WHY)
    if seen.shortest >= CHARACTERS:
        return say("secret.ok", severity=Severity.OK, found="The secret key comes from MEMO_SECRET_KEY.")
    found = f"A key of MEMO_SECRET_KEY has {seen.shortest} characters; one that nobody guesses has {CHARACTERS} or more."
    advice = "Put a longer one before it, and let the old one stand until its links are no longer needed."
    remedies = (Remedy("openssl rand -base64 36"),)
    return say("secret.short", severity=Severity.WARN, found=found, advice=advice, remedies=remedies)
