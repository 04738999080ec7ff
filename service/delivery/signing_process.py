"""A process that does nothing but sign: keys and digests in, signatures out, until its input ends. `signers` starts it.

A frame is its kind, the number of a key, the length of what follows (`FRAME`), and that: a private key (PKCS #8), or digests of 32 octets,
which are answered by the length of all signatures (`ANSWER`) and those. It imports nothing of ours, and what it must not know is not given
to it.
"""

import struct
import sys
from typing import BinaryIO

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_private_key

FRAME, ANSWER = struct.Struct(">BHI"), struct.Struct(">I")
A_KEY, DIGESTS = 0, 1
DIGEST_OCTETS = 32
_PADDING = padding.PKCS1v15()
_SHA256 = Prehashed(hashes.SHA256())


def answer(asked: BinaryIO, out: BinaryIO) -> None:
    keys: dict[int, RSAPrivateKey] = {}
    while head := asked.read(FRAME.size):
        kind, number, length = FRAME.unpack(head)
        content = asked.read(length)
        if kind == A_KEY:
            key = load_der_private_key(content, None, unsafe_skip_rsa_key_validation=True)
            assert isinstance(key, RSAPrivateKey)
            keys[number] = key
            continue
        sign = keys[number].sign
        digests = (content[start : start + DIGEST_OCTETS] for start in range(0, length, DIGEST_OCTETS))
        signatures = b"".join([sign(digest, _PADDING, _SHA256) for digest in digests])
        out.write(ANSWER.pack(len(signatures)) + signatures)
        out.flush()


if __name__ == "__main__":
    answer(sys.stdin.buffer, sys.stdout.buffer)
