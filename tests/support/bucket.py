"""A bucket as S3 keeps one, on loopback: it takes nothing whose signature it does not come to by itself."""

import asyncio
import contextlib
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ACCESS, SECRET, REGION = "AKIDEXAMPLE", "a secret of example.org", "eu-central-1"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
_NEEDED = {"host", "x-amz-content-sha256", "x-amz-date"}


@dataclass
class SampleBucket:
    name: str = "pictures"
    port: int = 0
    secret: str = SECRET
    kept: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.name}/memo"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            method, path, _ = first.split(" ")
            headers = {a.strip().lower(): b.strip() for a, _, b in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.asked.append(f"{method} {path}")
            status, kind, answer = self._answer(method, path, headers, body)
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n\r\n".encode()
                + answer
            )
            await writer.drain()
        writer.close()

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[str, str, bytes]:
        problem = self._problem(method, path, headers, body)
        if problem:
            return "403 Forbidden", "application/xml", f"<Error><Code>{problem}</Code></Error>".encode()
        if not path.startswith(f"/{self.name}/"):
            return "404 Not Found", "application/xml", b"<Error><Code>NoSuchBucket</Code></Error>"
        if method == "PUT":
            self.kept[path] = (body, headers.get("content-type", ""))
            return "200 OK", "text/plain", b""
        if method == "DELETE":
            self.kept.pop(path, None)
            return "204 No Content", "text/plain", b""
        if path not in self.kept:
            return "404 Not Found", "application/xml", b"<Error><Code>NoSuchKey</Code></Error>"
        return "200 OK", self.kept[path][1], self.kept[path][0]

    def _problem(self, method: str, path: str, headers: dict[str, str], body: bytes) -> str:
        found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if found is None or found[1] != ACCESS or found[3] != REGION:
            return "InvalidAccessKeyId"
        names = found[4].split(";")
        if not set(names) >= _NEEDED or headers["x-amz-date"][:8] != found[2]:
            return "AuthorizationHeaderMalformed"
        if hashlib.sha256(body).hexdigest() != headers["x-amz-content-sha256"]:
            return "XAmzContentSHA256Mismatch"
        request = f"{method}\n{path}\n\n" + "".join(f"{name}:{headers[name]}\n" for name in names)
        request += f"\n{found[4]}\n{headers['x-amz-content-sha256']}"
        key = b"AWS4" + self.secret.encode()
        for step in (found[2], found[3], "s3", "aws4_request"):
            key = hmac.digest(key, step.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{found[2]}/{found[3]}/s3/aws4_request\n"
        text += hashlib.sha256(request.encode()).hexdigest()
        return "" if hmac.digest(key, text.encode(), "sha256").hex() == found[5] else "SignatureDoesNotMatch"


@asynccontextmanager
async def running() -> AsyncIterator[SampleBucket]:
    bucket = SampleBucket()
    server = await asyncio.start_server(bucket.serve, "127.0.0.1", 0)
    bucket.port = server.sockets[0].getsockname()[1]
    try:
        yield bucket
    finally:
        server.close()
        await server.wait_closed()
