"""Which domains one provider answers for, as data: what it says of our pace at one of them holds for all.

From the providers' own pages on where addresses of theirs may end; looked at on `LOOKED_AT`, and they change. Domains that a provider
hosts for others are not known from their name: each is a group of its own.
"""

from datetime import date

LOOKED_AT = date(2026, 11, 26)

GROUPS: dict[str, tuple[str, ...]] = {
    "Google": ("gmail.com", "googlemail.com"),
    "Microsoft": (
        "outlook.com", "hotmail.com", "live.com", "msn.com", "passport.com",
        "outlook.de", "hotmail.de", "live.de", "outlook.fr", "hotmail.fr", "live.fr", "outlook.it", "hotmail.it", "live.it",
        "outlook.es", "hotmail.es", "hotmail.co.uk", "live.co.uk", "live.nl", "hotmail.nl", "outlook.at", "live.at",
        "hotmail.at", "hotmail.ch", "live.com.au", "hotmail.se", "live.se", "live.dk", "hotmail.dk", "live.no",
    ),
    "Yahoo": (
        "yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "aim.com", "myyahoo.com", "yahoo.de", "yahoo.fr", "yahoo.it",
        "yahoo.es", "yahoo.co.uk", "yahoo.ca", "yahoo.com.br", "yahoo.co.in", "aol.de", "aol.co.uk", "verizon.net",
    ),
    "Apple": ("icloud.com", "me.com", "mac.com", "privaterelay.appleid.com"),
    "GMX and WEB.DE": ("gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "web.de", "mail.com", "email.de"),
    "Telekom": ("t-online.de", "magenta.de"),
    "Orange": ("orange.fr", "wanadoo.fr"),
    "Free": ("free.fr", "aliceadsl.fr"),
    "Libero": ("libero.it", "virgilio.it", "iol.it", "inwind.it"),
    "Mail.ru": ("mail.ru", "inbox.ru", "list.ru", "bk.ru"),
    "Yandex": ("yandex.ru", "yandex.com", "ya.ru"),
    "Comcast": ("comcast.net", "xfinity.com"),
    "Proton": ("proton.me", "protonmail.com", "pm.me"),
}  # fmt: skip
_OF = {domain: group for group, domains in GROUPS.items() for domain in domains}


def of(address: str) -> str:
    """The provider of a reader's address, or else its domain."""
    domain = address.rpartition("@")[2].lower()
    return _OF.get(domain, domain)
