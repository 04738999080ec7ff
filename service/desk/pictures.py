"""Pictures in the form of a block: the file that was sent along, and what has to be said of what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session
from starlette.datastructures import UploadFile

from service.desk.fields import BlockInvalid
from service.desk.visit import Visit
from service.errors import MemoError
from service.media import pictures, register
from service.media.pictures import MOST_OCTETS, Made
from service.rendering.pieces import Picture, Piece

FILE = "file"
SAY_IT = "Please say in a sentence what the picture shows, or tick that it is mere decoration."


@dataclass(frozen=True)
class Form:
    """What a browser sent: texts by the names of their fields, with the address of each picture that came as a file."""

    texts: dict[str, str]
    made: tuple[Made, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)


async def form_of(visit: Visit) -> Form:
    """Reads the form, and keeps the bytes of its pictures; their rows are for the caller's one write."""
    sent = (await visit.request.form()).multi_items()
    texts = {name: value for name, value in sent if isinstance(value, str)}
    made: list[Made] = []
    problems: dict[str, str] = {}
    for name, value in sent:
        if not isinstance(value, UploadFile) or not value.filename or not name.endswith(f".{FILE}"):
            continue
        place = f"{name.removesuffix(FILE)}url"
        try:
            kept = await pictures.take(visit.resources.media, await value.read(MOST_OCTETS + 1))
        except MemoError as error:
            problems[place] = error.message
        else:
            made.append(kept)
            texts[place] = visit.resources.url(pictures.path_of(kept.name))
    return Form(texts, tuple(made), problems)


def keep(session: Session, made: Sequence[Made], *, now: datetime) -> None:
    """The rows of pictures that came with a form."""
    for one in made:
        register.keep(session, one, now=now)


def check_described(block: Piece) -> None:
    """Raises BlockInvalid for a picture of which nothing is said, unless it is said to be decoration."""
    found = {name: getattr(block, name) for name in type(block).model_fields}
    silent = [
        name for name, one in found.items() if isinstance(one, Picture) and not one.alt and not one.decorative
    ]
    if silent:
        raise BlockInvalid({f"{name}.alt": SAY_IT for name in silent})
