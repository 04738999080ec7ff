"""Servers put the items of a FETCH in whatever order they like."""

import pytest

from service.bounces import imap

MAIL = b"Subject: x\r\n\r\nhello\r\n"
ANSWERS = {
    "before the bytes": [(b"1 (UID 7 RFC822.SIZE 900 BODY[]<0> {21}", MAIL), b")"],
    "behind the bytes": [(b"1 (BODY[]<0> {21}", MAIL), b" RFC822.SIZE 900 UID 7)"],
    "in small letters": [(b"1 (uid 7 rfc822.size 900 body[]<0> {21}", MAIL), b")"],
    "among others": [b"3 (FLAGS (\\Seen) UID 9)", (b"1 (UID 7 RFC822.SIZE 900 BODY[]<0> {21}", MAIL), b")"],
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_mail_is_found_in_any_order(answer: list[object]) -> None:
    found = imap.mail_in(answer)
    assert found is not None
    assert (found.raw, found.octets) == (MAIL, 900)


@pytest.mark.parametrize("answer", [[None], [], [b"1 (UID 7 FLAGS (\\Deleted))"]])
def test_one_that_has_gone_is_none(answer: list[object]) -> None:
    assert imap.mail_in(answer) is None
