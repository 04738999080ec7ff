"""The one check that every message any test receives must pass.

message_check.assert_good(received.data, kind="edition", mail_from=received.mail_from,
                          rcpt_to=received.recipient, public_url=settings.public_url, now=clock.now())
"""

from datetime import UTC, datetime

from tests.support import message_bodies, message_headers
from tests.support.message_sight import Kind, Sight


def check(
    data: bytes, *, kind: Kind, mail_from: str, rcpt_to: str, public_url: str, now: datetime | None = None
) -> list[str]:
    """What is wrong with this message, each with the number of its rule; nothing if it is good."""
    sight = Sight(data, kind, mail_from, rcpt_to, public_url, now or datetime.now(UTC))
    rules = [*message_headers.ANY, *message_bodies.ANY]
    if kind == "edition":
        rules += [*message_headers.EDITION, *message_bodies.EDITION]
    return [violation for rule in rules for violation in rule(sight)]


def assert_good(
    data: bytes, *, kind: Kind, mail_from: str, rcpt_to: str, public_url: str, now: datetime | None = None
) -> None:
    found = check(data, kind=kind, mail_from=mail_from, rcpt_to=rcpt_to, public_url=public_url, now=now)
    assert not found, "The message breaks rules:\n  " + "\n  ".join(found)
