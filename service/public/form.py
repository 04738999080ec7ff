"""The sign-up form as it was sent: read into a request that can be stored, or into what to put beside its fields."""

from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from fastapi import Form

from service.errors import Invalid, MemoError
from service.subscribers import signup
from service.subscribers.signup import SignUp

SHOWN_CHARACTERS = 320  # of what was typed, when the form is shown again


@dataclass(frozen=True)
class Entries:
    email: str = ""
    first_name: str = ""
    page: str = ""
    consent: str = ""
    website: str = ""

    @property
    def is_trapped(self) -> bool:
        """No person sees the field `website`; programs that fill in everything do."""
        return bool(self.website.strip())


class Told(NamedTuple):
    """A problem in its own words, and what is usually said of its kind: more of that is in the catalogues."""

    message: str
    usual: str


@dataclass(frozen=True)
class Filled:
    """The form as the page shows it."""

    email: str = ""
    first_name: str = ""
    page: str = ""
    problems: dict[str, Told] = field(default_factory=dict)
    notice: Told | None = None

    @property
    def first_wrong(self) -> str | None:
        """Where the page opens: the fields stand in the order in which they are read."""
        return next(iter(self.problems), None)


def entries(
    email: Annotated[str, Form()] = "",
    first_name: Annotated[str, Form()] = "",
    page: Annotated[str, Form()] = "",
    consent: Annotated[str, Form()] = "",
    website: Annotated[str, Form()] = "",
) -> Entries:
    return Entries(email, first_name, page, consent, website)


def filled(
    given: Entries, problems: dict[str, Told] | None = None, *, notice: MemoError | None = None
) -> Filled:
    return Filled(
        email=given.email[:SHOWN_CHARACTERS],
        first_name=given.first_name[:SHOWN_CHARACTERS],
        page=given.page[: signup.PAGE_CHARACTERS],
        problems=problems or {},
        notice=_told(notice) if notice else None,
    )


def read(given: Entries, *, own_page: str, own_wording: str, client: str) -> SignUp | Filled:
    """All problems at once: nobody should mend one field to learn of the next."""
    problems: dict[str, Told] = {}
    address = first_name = None
    try:
        address = signup.read_address(given.email)
    except Invalid as error:
        problems["email"] = _told(error)
    try:
        first_name = signup.read_first_name(given.first_name)
    except Invalid as error:
        problems["first_name"] = _told(error)
    if address is None or problems:
        return filled(given, problems)
    return SignUp(
        address=address,
        first_name=first_name,
        page=signup.read_page(given.page, otherwise=own_page),
        wording=signup.read_wording(given.consent, otherwise=own_wording),
        client=client,
    )


def _told(error: MemoError) -> Told:
    return Told(error.message, type(error)().message)
