"""What stands under a proof, without the cryptography that makes and checks it."""

from dataclasses import dataclass

ALGORITHM = "Ed25519"


@dataclass(frozen=True)
class Seal:
    """`key` names the public key; `sha256` and `value`, the signature, are in hex: base64 may begin with a + or a /, and a spreadsheet
    takes the first for a formula."""

    key: str
    sha256: str
    value: str
