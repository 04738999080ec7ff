"""What independent verifiers (dkimpy, opendkim) say of a signature, with a zone of our own in place of the DNS."""

import base64
import logging
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from service.delivery.dkim import SigningKey

Zone = Mapping[str, str]
OPENDKIM = shutil.which("opendkim", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
_QUIET = logging.getLogger("dkim-check")
_QUIET.setLevel(logging.CRITICAL + 1)


def new_key(domain: str, selector: str) -> SigningKey:
    return SigningKey(domain, selector, rsa.generate_private_key(65537, 2048))


def zone_of(*keys: SigningKey) -> dict[str, str]:
    """What the domains' owners would publish."""
    return {f"{key.selector}._domainkey.{key.domain}": _record(key) for key in keys}


def verifies(message: bytes, zone: Zone) -> bool:
    """Whether the topmost signature holds."""

    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        found = zone.get(name.decode().rstrip("."))
        return found.encode() if found else None

    try:
        return bool(dkim.DKIM(message, logger=_QUIET).verify(dnsfunc=answer))
    except (
        dkim.ValidationError
    ):  # a body that is not the signed one; a malformed signature is an error of another kind
        return False


def has_opendkim() -> bool:
    return OPENDKIM is not None


def opendkim_verifies(messages: Sequence[bytes], zone: Zone, folder: Path) -> list[bool]:
    """The same of each message, asked of opendkim in its test mode, which talks to nobody."""
    assert OPENDKIM is not None
    (folder / "keys").write_text("".join(f"{name} {text}\n" for name, text in zone.items()))
    configuration = folder / "opendkim.conf"
    configuration.write_text(f"Mode v\nSyslog no\nTestPublicKeys {folder / 'keys'}\n")
    names = [folder / f"{number}.eml" for number in range(len(messages))]
    for name, message in zip(names, messages, strict=True):
        name.write_bytes(message)
    command = [OPENDKIM, "-x", str(configuration), "-vvv", "-t", ",".join(map(str, names))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert said.count(".eml: mlfi_eom() returned ") == len(messages), said[-2_000:]
    good = set(re.findall(r"^opendkim: (\S+): verification \(.*\) succeeded$", said, re.MULTILINE))
    return [str(name) in good for name in names]  # of what has no From it says nothing at all


def signed_fields(message: bytes) -> list[str]:
    """What its `h=` names, in order; one that is oversigned stands once more than it occurs."""
    return [name.strip() for name in tags_of(message)["h"].split(":")]


def tags_of(message: bytes) -> dict[str, str]:
    """The tags of the signature on top."""
    assert message.startswith(b"DKIM-Signature:")
    lines = message.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    end = next(place for place, line in enumerate(lines) if place and not line.startswith((" ", "\t")))
    value = "".join(lines[:end]).partition(":")[2]
    pairs = (tag.partition("=") for tag in value.split(";"))
    return {name.strip(): text.strip() for name, _, text in pairs}


def _record(key: SigningKey) -> str:
    public = key.private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
