"""Many people at once become readers, because the newsroom says that they have agreed already. `register.add` does the same for one.

Nobody comes back this way: who has left or is suppressed stays so, and who has been asked stays asked. Who reads already is not touched.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from service import database, tokens
from service.rendering import characters
from service.subscribers import newcomers, signup


class Standing(StrEnum):
    """What somebody was, or has become."""

    ADDED = "added"
    ALREADY = "already"
    PENDING = "pending"
    LEFT = "left"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """`source`: where exactly the newsroom has them from, such as a file and its line."""

    wire: str
    key: str
    hash: str
    first_name: str | None
    source: str


@dataclass(frozen=True)
class Attested:
    """Whose word it is that they have agreed, and what was said of how and since when."""

    actor: str
    wording: str


def as_text(people: Sequence[Newcomer]) -> str:
    """As the statements want them; made before a transaction begins. Each key is there once."""
    return json.dumps(
        [
            (
                one.key,
                one.wire,
                one.hash,
                one.first_name,
                one.source[: signup.PAGE_CHARACTERS],
                tokens.new_uid().hex,
                tokens.new_uid().hex,
            )
            for one in people
        ]
    )


def enrol(
    session: Session, newsletter_id: int, people: str, attested: Attested, *, now: datetime
) -> dict[Standing, int]:
    """`people` is what `as_text` made of them. How many have which standing afterwards."""
    wording = characters.single_line(attested.wording)[: signup.WORDING_CHARACTERS]
    values = {
        "the_people": people,
        "the_newsletter": newsletter_id,
        "the_moment": now,
        "the_method": attested.actor[:40],
        "the_wording": wording,
        "the_version": signup.version_of(wording),
    }
    found = newcomers.run(session.connection(), values, is_postgresql=database.is_postgresql(session))
    return {Standing(standing): count for standing, count in found.items()}
