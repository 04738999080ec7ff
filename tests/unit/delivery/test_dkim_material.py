"""What keys for DKIM are read from, and what is refused with what to do."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from service.delivery import dkim_material
from service.delivery.dkim_material import PrivateKeyEncrypted, PrivateKeyUnusable

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def pem(private: Private, *, password: bytes | None = None, is_old_form: bool = True) -> bytes:
    forms = serialization.PrivateFormat
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    form = forms.TraditionalOpenSSL if is_old_form else forms.PKCS8
    return private.private_bytes(serialization.Encoding.PEM, form, locked)


@pytest.mark.parametrize("is_old_form", [True, False])
def test_both_forms_of_pem_are_read(is_old_form: bool) -> None:
    private = dkim_material.new_private_key()
    read = dkim_material.read_pem(pem(private, is_old_form=is_old_form))
    assert read.private_numbers() == private.private_numbers()
    kept = dkim_material.from_bytes(dkim_material.to_bytes(read))
    assert kept.private_numbers() == private.private_numbers()


def test_what_is_no_key_for_us_is_refused_with_what_to_do() -> None:
    with pytest.raises(PrivateKeyEncrypted, match="openssl pkey"):
        dkim_material.read_pem(pem(rsa.generate_private_key(65537, 2048), password=b"x"))
    with pytest.raises(PrivateKeyUnusable, match="1024 bits"):
        dkim_material.read_pem(pem(rsa.generate_private_key(65537, 1024)))
    with pytest.raises(PrivateKeyUnusable, match="exponent 65537"):
        dkim_material.read_pem(pem(rsa.generate_private_key(3, 2048)))
    with pytest.raises(PrivateKeyUnusable, match="no RSA key"):
        dkim_material.read_pem(pem(ec.generate_private_key(ec.SECP256R1())))
    for nothing in (
        b"",
        b"nothing",
        b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    ):
        with pytest.raises(PrivateKeyUnusable, match="PEM form"):
            dkim_material.read_pem(nothing)
