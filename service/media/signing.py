"""Signatures of requests to S3 and what speaks like it: AWS Signature Version 4, in headers. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "s3"


@dataclass(frozen=True)
class Credentials:
    access_key: str
    secret_key: str
    region: str


def headers(
    who: Credentials,
    method: str,
    url: str,
    body: bytes,
    *,
    at: datetime,
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """All headers of the request, each of them signed, and the signature. `url` has no query; its path is spelled as it is sent."""
    moment = f"{at:%Y%m%dT%H%M%SZ}"
    scope = f"{moment[:8]}/{who.region}/{SERVICE}/aws4_request"
    signed = {name.lower(): " ".join(value.split()) for name, value in (more or {}).items()}
    signed |= {
        "host": urlsplit(url).netloc,
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-amz-date": moment,
    }
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        [
            method,
            quote(urlsplit(url).path, safe="/-_.~%") or "/",
            "",
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            names,
            signed["x-amz-content-sha256"],
        ]
    )
    told = "\n".join([ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = hmac.new(_key(who, moment[:8]), told.encode(), hashlib.sha256).hexdigest()
    credential = f"{who.access_key}/{scope}"
    return signed | {
        "authorization": f"{ALGORITHM} Credential={credential},SignedHeaders={names},Signature={signature}"
    }


def _key(who: Credentials, day: str) -> bytes:
    key = f"AWS4{who.secret_key}".encode()
    for part in (day, who.region, SERVICE, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
