"""What a relay's certificate says, in a sentence: for whom it is, who vouches for it, and until when."""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

SOON = timedelta(days=14)
NAMES_SHOWN = 4


@dataclass(frozen=True)
class Certificate:
    names: tuple[str, ...]
    issuer: str
    until: datetime

    def __str__(self) -> str:
        more = f" and {len(self.names) - NAMES_SHOWN} more" if len(self.names) > NAMES_SHOWN else ""
        names = ", ".join(self.names[:NAMES_SHOWN]) or "nobody"
        return f"for {names}{more}, by {self.issuer}, until {self.until:%d %B %Y}"


def of(encrypted: ssl.SSLObject) -> Certificate | None:
    """That of the other side, verified or not; None if it showed none that can be read."""
    raw = encrypted.getpeercert(binary_form=True)
    if raw is None:
        return None
    try:
        read = x509.load_der_x509_certificate(raw)
        return Certificate(_names(read), _issuer(read), read.not_valid_after_utc)
    except ValueError:
        return None


def runs_out_soon(certificate: Certificate, now: datetime) -> bool:
    return certificate.until - now < SOON


def _names(read: x509.Certificate) -> tuple[str, ...]:
    try:
        alternative = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return tuple(str(one.value) for one in read.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    names = alternative.get_values_for_type(x509.DNSName)
    return (*names, *(str(one) for one in alternative.get_values_for_type(x509.IPAddress)))


def _issuer(read: x509.Certificate) -> str:
    if read.issuer == read.subject:
        return "itself"
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if found := read.issuer.get_attributes_for_oid(kind):
            return str(found[0].value)
    return "somebody without a name"
