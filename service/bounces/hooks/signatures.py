"""Signatures with public keys. Loaded with the first request that has one."""

import base64
import binascii

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from service.bounces.hooks.calls import NotBelieved, Trouble
from service.errors import Invalid

_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - SNS's version 1


class KeyUnusable(Invalid):
    """This is no public key for P-256. Copy the whole verification key as SendGrid shows it."""


def check_ecdsa(key: str, signature: str, signed: bytes) -> None:
    """ECDSA over P-256 with SHA-256; raises NotBelieved."""
    try:
        public_key(key).verify(_decoded(signature), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise NotBelieved(Trouble.BAD_SIGNATURE) from error


def public_key(key: str) -> ec.EllipticCurvePublicKey:
    """From base64 of DER, or PEM; raises KeyUnusable."""
    body = "".join(line for line in key.split() if line)
    for part in ("-----BEGINPUBLICKEY-----", "-----ENDPUBLICKEY-----"):
        body = body.replace(part, "")
    try:
        found = serialization.load_der_public_key(base64.b64decode(body, validate=True))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(field="key") from error
    if not isinstance(found, ec.EllipticCurvePublicKey) or not isinstance(found.curve, ec.SECP256R1):
        raise KeyUnusable(field="key")
    return found


def check_rsa(certificate: bytes, version: str, signature: str, signed: bytes) -> None:
    """RSA with PKCS #1 v1.5, as SNS signs; raises NotBelieved."""
    try:
        found = x509.load_pem_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotBelieved(Trouble.NO_CERTIFICATE) from error
    if not isinstance(found, rsa.RSAPublicKey):
        raise NotBelieved(Trouble.NO_CERTIFICATE)
    try:
        found.verify(_decoded(signature), signed, padding.PKCS1v15(), _HASHES[version])
    except (InvalidSignature, KeyError) as error:
        raise NotBelieved(Trouble.BAD_SIGNATURE) from error


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotBelieved(Trouble.BAD_SIGNATURE) from error
