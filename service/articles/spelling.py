"""One spelling for all addresses under which one article is known."""

import hashlib
import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

TRACKING: Final = re.compile(
    r"^(?:utm_.*|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|_hs(?:enc|mi)|ref_src|cmpid)$", re.I
)
WELL_FORMED: Final = "!$&'()*+,;=:@/~-._"


def normalised(url: str) -> str:
    """For comparing, not for fetching."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # a bracket without its partner
        return url.strip()
    host = (parts.hostname or "").rstrip(".")
    try:
        host = host.encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:  # UnicodeError too: then the letters as they are tell one host from another
        port = ""
    path = quote(unquote(parts.path), safe=WELL_FORMED).rstrip("/")
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not TRACKING.match(name)
    ]
    return f"https://{host}{port}{path}" + (f"?{urlencode(kept)}" if kept else "")


def key(url: str) -> str:
    """`normalised`, in 64 characters."""
    return hashlib.sha256(normalised(url).encode("utf-8", errors="replace")).hexdigest()
