import uuid
from email.message import EmailMessage

import pytest

from bench import captured
from bench.captured import Reader
from service import tokens
from service.subscribers import links

KEYS = tokens.keys_from("a key of this test")
ADA = Reader("Ada", uuid.UUID(int=1))
ADDRESS = "ada@example.org"


def message(
    *, to: str = ADDRESS, name: str = "Ada", text_link: int = 1, header_link: int = 1
) -> EmailMessage:
    made = EmailMessage()
    made["To"] = to
    made["List-Unsubscribe"] = f"<{link(header_link)}>"
    body = f"Good morning, {name}. Leave: {link(text_link)}"
    made.set_content(body)
    made.add_alternative(body, subtype="html")
    return made


def link(subscription: int) -> str:
    token = links.unsubscribe_token(KEYS, uuid.UUID(int=subscription))
    return f"https://news.example.org/unsubscribe/{token}"


def test_a_readers_own_message_has_no_problem() -> None:
    assert list(captured.problems(message(), ADDRESS, ADA, KEYS)) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (message(to="grace@example.org"), "addressed to"),
        (message(name="Grace"), "does not say “Good morning, Ada”"),
        (message(text_link=2), "somebody else's link"),
        (message(header_link=2), "List-Unsubscribe"),
    ],
)
def test_somebody_elses_address_name_or_link_is_found(wrong: EmailMessage, said: str) -> None:
    assert any(said in problem for problem in captured.problems(wrong, ADDRESS, ADA, KEYS))


def test_who_has_no_name_is_greeted_as_a_reader() -> None:
    nameless = Reader("", ADA.subscription)
    assert list(captured.problems(message(name="reader"), ADDRESS, nameless, KEYS)) == []
    assert list(captured.problems(message(name=""), ADDRESS, nameless, KEYS))
