"""How a command is told which edition it is about."""

import uuid
from typing import Annotated, TypeAlias

import typer

from service.errors import Invalid

ACTOR = "the command line"
EditionArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="EDITION", help="The edition's id, from memo editions, the desk or the API.")
]


class EditionIdInvalid(Invalid):
    """This is no edition's id: it looks like 0198c5f2-….; memo editions lists them, and the desk shows it."""


def edition_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise EditionIdInvalid from error
