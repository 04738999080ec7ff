"""What can go wrong with an address, in words that say what to do.

FetchFailed
├── BadAddress, AddressNotAllowed, TooBig, RedirectLoop, WrongKind, Refused      (Invalid: another address is needed)
└── HostUnknown, TooSlow, ConnectionFailed, NotNow                               (Unavailable: try later)
"""

from service.errors import Invalid, MemoError, Unavailable


class FetchFailed(MemoError):
    """The address could not be read."""


class BadAddress(FetchFailed, Invalid):
    """This is no web address. Give one that starts with https:// or http:// and names a host."""


class AddressNotAllowed(FetchFailed, Invalid):
    """This address is not on the public web. To read it all the same, add it to MEMO_FETCH_ALLOW."""


class TooBig(FetchFailed, Invalid):
    """This address answers with more data than an article or a feed has. Check the address."""


class RedirectLoop(FetchFailed, Invalid):
    """This address keeps sending us on to others. Give the address where the text finally is."""


class WrongKind(FetchFailed, Invalid):
    """This address does not answer with the kind of document that is needed."""


class HostUnknown(FetchFailed, Unavailable):
    """This host name cannot be found. Check its spelling, or try again later."""


class TooSlow(FetchFailed, Unavailable):
    """This address takes too long to answer. Try again later."""


class ConnectionFailed(FetchFailed, Unavailable):
    """The connection failed. Try again later."""


class Refused(FetchFailed, Invalid):
    """The site refuses this address."""

    def __init__(self, message: str | None = None, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class NotNow(FetchFailed, Unavailable):
    """The site does not answer this address at the moment. Try again later."""

    # Retry-After as it was sent: seconds or an HTTP date (RFC 9110 §10.2.3); only the caller has a clock.

    def __init__(
        self, message: str | None = None, *, status: int = 0, retry_after: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class BadAllowEntry(Invalid):
    """An entry of MEMO_FETCH_ALLOW cannot be read. Write host:port, a network such as 10.0.0.0/8, or network:port."""
