"""The only way out to the web: every HTTP request that the product makes goes through a Fetcher.

An address that a person typed, or that a redirect names, may point at the inside of our own network. The check happens
where it cannot be talked around: at connect time, on the very addresses that are then connected to. So decimal and hex
hosts, names that resolve inside, redirects and answers that change between two look-ups all meet the same guard.

    fetch(url) -> check the address -> [resolve -> guard -> connect -> status -> redirect]* -> kind -> count bytes -> Fetched

This room owns the `Fetcher` (a held resource, one for the process), its limits and its guard. It never reads what it fetched.
"""

from service.fetching.failures import (
    AddressNotAllowed,
    BadAddress,
    BadAllowEntry,
    ConnectionFailed,
    FetchFailed,
    HostUnknown,
    NotNow,
    RedirectLoop,
    Refused,
    TooBig,
    TooSlow,
    WrongKind,
)
from service.fetching.fetcher import Answer, Fetched, Fetcher, FetchLimits, Seen

__all__ = [
    "AddressNotAllowed",
    "Answer",
    "BadAddress",
    "BadAllowEntry",
    "ConnectionFailed",
    "FetchFailed",
    "FetchLimits",
    "Fetched",
    "Fetcher",
    "HostUnknown",
    "NotNow",
    "RedirectLoop",
    "Refused",
    "Seen",
    "TooBig",
    "TooSlow",
    "WrongKind",
]
