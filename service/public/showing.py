"""A page for readers, in the newsletter's language; where no newsletter is known, in one that the visitor's browser asks for."""

from fastapi import Request
from fastapi.responses import HTMLResponse

from service import pages
from service.addresses import AddressInvalid
from service.editions.queries import EditionNotFound
from service.errors import MemoError
from service.newsletters.publication import NewsletterNotFound
from service.public.front import NotOnWeb, PageNotFound
from service.public.masthead import Masthead
from service.rendering import direction
from service.subscribers.cooldowns import ClientTooOften, TooManySignUps
from service.subscribers.optin import ConfirmationUnknown
from service.subscribers.signup import AddressNeedsSmtputf8, FirstNameInvalid

# What readers may meet: the sentences of these errors are in the catalogues.
TOLD: tuple[type[MemoError], ...] = (
    AddressInvalid,
    AddressNeedsSmtputf8,
    ClientTooOften,
    ConfirmationUnknown,
    EditionNotFound,
    FirstNameInvalid,
    NewsletterNotFound,
    NotOnWeb,
    PageNotFound,
    TooManySignUps,
)


def page(
    request: Request,
    template: str,
    newsletter: Masthead | None = None,
    *,
    status: int = 200,
    **values: object,
) -> HTMLResponse:
    """Where there is no catalogue of the language the page is in English, and says so."""
    from service.languages import speaking

    asked = (
        newsletter.language if newsletter else speaking.asked_for(request.headers.get("accept-language", ""))
    )
    words = speaking.of(asked)
    if newsletter is not None:
        values["newsletter"] = newsletter
    answer = pages.render(
        request,
        template,
        status=status,
        words=words,
        way=direction.of_language(words.language),
        _=words.say,
        **values,
    )
    if newsletter is None:
        answer.headers["Vary"] = "Accept-Language"
    return answer
