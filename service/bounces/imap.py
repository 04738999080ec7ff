"""One look into a mailbox over IMAP (RFC 9051, and RFC 3501 before it). Blocking: its caller gives it a thread.

    sign in -> select -> what is above the last UID we kept -> (kept and committed by the caller) -> seen, or deleted

Nothing is marked there before it is kept here, so that a break anywhere leads to fetching a mail again, never to losing one.
"""

import imaplib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.bounces.keeping import KEPT_OCTETS, Brought
from service.bounces.models import Inbox
from service.errors import MemoError

SECONDS = 30.0
AT_ONCE = 25
SOURCE = "imap"
FAILURES = (imaplib.IMAP4.error, OSError, ssl.SSLError, EOFError, ValueError)
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)", re.IGNORECASE)


class MailboxUnreachable(MemoError):
    """The mailbox for bounces cannot be read."""


@dataclass(frozen=True)
class Found:
    """Some of what is new, by UID. `is_all`: there is no more for now."""

    validity: int
    mails: dict[int, Brought]
    last_uid: int
    is_all: bool


class Look:
    """A session. Raises what is in FAILURES; `said` makes a sentence of it."""

    def __init__(self, inbox: Inbox, secret: str, ca_file: Path | None) -> None:
        self._inbox = inbox
        context = ssl.create_default_context()
        if ca_file is not None:
            context.load_verify_locations(ca_file)
        if inbox.tls == "implicit":
            self._imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                inbox.host, inbox.port, ssl_context=context, timeout=SECONDS
            )
        else:
            self._imap = imaplib.IMAP4(inbox.host, inbox.port, timeout=SECONDS)
            self._imap.starttls(context)
        self._sign_in(secret)
        self._validity = self._select()

    def new(self, validity: int, last_uid: int) -> Found:
        """The oldest few above that UID; from the first on, if the mailbox is not the one it was."""
        after = last_uid if validity == self._validity else 0
        answer = self._imap.uid("SEARCH", f"UID {after + 1}:*")[1]
        # `n:*` names the last mail even if its UID is smaller (RFC 9051 section 6.4.4).
        above = sorted(uid for uid in map(int, (answer[0] or b"").split()) if uid > after)
        chosen = above[:AT_ONCE]
        mails = {uid: mail for uid in chosen if (mail := self._mail(uid)) is not None}
        return Found(self._validity, mails, max(chosen, default=after), len(above) == len(chosen))

    def done(self, uids: Sequence[int]) -> None:
        """They are kept here: mark them as seen, or take them away there if that is wanted."""
        if not uids:
            return
        these = ",".join(map(str, uids))
        self._imap.uid(
            "STORE", these, "+FLAGS.SILENT", r"(\Seen \Deleted)" if self._inbox.deletes else r"(\Seen)"
        )
        if self._inbox.deletes and "UIDPLUS" in self._imap.capabilities:
            self._imap.uid("EXPUNGE", these)
        elif self._inbox.deletes:
            self._imap.expunge()

    def close(self) -> None:
        try:
            self._imap.logout()
        except FAILURES:
            self._imap.shutdown()

    def _sign_in(self, secret: str) -> None:
        user = self._inbox.user
        if self._inbox.has_token:
            self._imap.authenticate("XOAUTH2", lambda _: f"user={user}\1auth=Bearer {secret}\1\1".encode())
        elif "AUTH=PLAIN" in self._imap.capabilities:
            self._imap.authenticate("PLAIN", lambda _: f"\0{user}\0{secret}".encode())
        else:
            self._imap.login(user, secret)

    def _select(self) -> int:
        kind, answer = self._imap.select(_quoted(self._inbox.folder))
        if kind != "OK":
            raise imaplib.IMAP4.error(f"the folder {self._inbox.folder} cannot be opened: {answer[0]!r}")
        told = self._imap.response("UIDVALIDITY")[1]
        return int(told[0]) if told and told[0] else 0

    def _mail(self, uid: int) -> Brought | None:
        """At most as much of it as is kept. None: it has gone meanwhile."""
        parts = self._imap.uid("FETCH", str(uid), f"(UID RFC822.SIZE BODY.PEEK[]<0.{KEPT_OCTETS}>)")[1]
        return mail_in(parts)


def mail_in(parts: Sequence[object]) -> Brought | None:
    """Out of the answer to a FETCH of one mail, whose items come in any order (RFC 9051 section 7.5.2), also behind its bytes."""
    literals = [part for part in parts if isinstance(part, tuple) and b"BODY[" in part[0].upper()]
    if not literals:
        return None
    said = b" ".join(
        part[0] if isinstance(part, tuple) else part for part in parts if isinstance(part, bytes | tuple)
    )
    size = _SIZE.search(said)
    return Brought(SOURCE, literals[0][1], octets=int(size[1]) if size else len(literals[0][1]))


def said(error: BaseException) -> str:
    """For the desk, without what the other side may repeat of a secret."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"Its certificate is not good: {error.verify_message}."
    if isinstance(error, imaplib.IMAP4.error):
        return f"The mail server refused: {str(error)[:300]}"
    return f"The mail server cannot be reached: {error}"


def _quoted(folder: str) -> str:
    """RFC 9051 section 4.3; a name beyond ASCII in modified UTF-7 is the operator's to write (section A.1)."""
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
