"""Names as people type them: one line, no control characters."""

from service.errors import Invalid
from service.rendering import characters


class NameInvalid(Invalid):
    """A name is one line of text without control characters."""


def checked(name: str, *, longest: int) -> str:
    if characters.is_unusable(name):
        raise NameInvalid(field="name")
    trimmed = name.strip()
    if not trimmed:
        raise NameInvalid("Please give a name.", field="name")
    if len(trimmed) > longest:
        raise NameInvalid(f"This name is too long: at most {longest} characters fit.", field="name")
    return trimmed
