"""What an address and an answer must be before they are worth reading."""

import re
import ssl
from datetime import UTC, datetime
from typing import Final

import httpcore2
import httpx2

from service.fetching.failures import BadAddress, ConnectionFailed, FetchFailed, NotNow, Refused, WrongKind
from service.fetching.fetcher import Kind

MAX_ADDRESS_LENGTH: Final = 2000
FEED_OPENINGS: Final = (b"<?xml", b"<rss", b"<feed", b"<rdf:rdf")
SNIFFED_BYTES: Final = 256
# Host names as they go on the wire (IDNA done), IPv4 and IPv6 literals.
HOST: Final = re.compile(rb"[A-Za-z0-9._:-]+")


def checked_address(url: str) -> httpx2.URL:
    """The address as it is requested: http or https, with a host, without credentials or fragment."""
    text = url.strip()
    if len(text) > MAX_ADDRESS_LENGTH:
        raise BadAddress(f"This web address is longer than {MAX_ADDRESS_LENGTH} characters. Check it.")
    try:
        address = httpx2.URL(text)
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise BadAddress from error
    port_is_real = address.port is None or 0 < address.port < 65536
    if address.scheme not in ("http", "https") or not HOST.fullmatch(address.raw_host) or not port_is_real:
        raise BadAddress
    if address.userinfo:
        raise BadAddress("This web address holds a name or password. Leave out the part before the @.")
    return address.copy_with(fragment=None)


def joined(address: httpx2.URL, target: str) -> httpx2.URL:
    try:
        return address.join(target)
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise BadAddress(f"{address.host} sends us on to something that is no web address.") from error


def check_status(answer: httpx2.Response) -> None:
    status, host = answer.status_code, answer.url.host
    if answer.is_success or status == 304:
        return
    if status in (408, 425, 429) or status >= 500:
        raise NotNow(
            f"{host} answers {status} at the moment. Try again later.",
            status=status,
            retry_after=answer.headers.get("Retry-After"),
        )
    reasons = {
        401: "asks for a sign-in",
        403: "does not let us read this",
        404: "has nothing here",
        410: "has removed this for good",
    }
    raise Refused(
        f"{host} {reasons.get(status, 'refuses this')} ({status}). Check the address.", status=status
    )


def check_kind(accept: Kind, content_type: str, body: bytes) -> None:
    if accept == "feed":
        _check_feed(content_type, body)
    elif accept == "page":
        if content_type not in ("", "text/html", "application/xhtml+xml"):
            raise WrongKind(
                f"This is no web page but {content_type}. Give the address of the article's page."
            )
    elif accept == "picture":
        # Many a server names a picture wrongly; what it is, its bytes say. A page is an answer to a person.
        if content_type.startswith("text/"):
            raise WrongKind(f"This is no picture but {content_type}. Give the address of the picture itself.")
    elif not body.startswith(b"-----BEGIN CERTIFICATE-----"):
        raise WrongKind("This is no certificate. Check the address.")


def _check_feed(content_type: str, body: bytes) -> None:
    if "xml" in content_type and content_type != "application/xhtml+xml":
        return
    # Feeds are often served as text/html or text/plain, so there the first bytes decide.
    opening = body[:SNIFFED_BYTES].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").replace(b"\0", b"").lower()
    if not opening.startswith(FEED_OPENINGS):
        kind = content_type or "a document of unknown kind"
        raise WrongKind(f"This is no RSS or Atom feed but {kind}. Give the address of the feed itself.")


def connection_failed(host: str, error: Exception) -> FetchFailed:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return ConnectionFailed(f"{host} has no valid certificate or TLS failed. Check the address.")
        cause = cause.__cause__ or cause.__context__  # the pool re-raises `from None`
    return ConnectionFailed(f"The connection to {host} failed. Check the address, or try again later.")


def verified_until(stream: httpcore2.AsyncNetworkStream | None) -> datetime | None:
    """Until when the other side's certificate holds; without TLS there is none."""
    encrypted = stream.get_extra_info("ssl_object") if stream is not None else None
    shown = encrypted.getpeercert() if encrypted is not None else None
    if not shown or "notAfter" not in shown:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
