"""What Python programs usually do: aiosmtplib, over the same number of connections, with no ledger.

`sendmail` hands over finished bytes, the same for everybody. `send_message` makes an EmailMessage for each reader, with the
greeting and the link, and hands that over.
"""

import asyncio
import email
import sys
from collections.abc import Awaitable, Callable, Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtplib import SMTP

from bench import processes, readers
from bench.processes import Measured, Stopwatch, Work

SENDER = "memo@ledger.example.org"
MESSAGE, TEXT, HTML = "message.eml", "message.txt", "message.html"
HandOver = Callable[[SMTP, int], Awaitable[object]]


async def sendmail(work: Work) -> Measured:
    message = (work.folder / MESSAGE).read_bytes()

    async def hand_over(connection: SMTP, number: int) -> None:
        await connection.sendmail(SENDER, [readers.address_of(number)], message)

    return await _measured(work, hand_over)


async def send_message(work: Work) -> Measured:
    text, html = texts(work.folder)

    async def hand_over(connection: SMTP, number: int) -> None:
        await connection.send_message(_made(text, html, number))

    return await _measured(work, hand_over)


def texts(folder: Path) -> tuple[str, str]:
    """The sample message's text and HTML, with what is personal in braces."""
    return (folder / TEXT).read_text(), (folder / HTML).read_text()


def keep_texts(folder: Path, message: bytes, link: str, name: str) -> None:
    """Write the sample message down as bytes and as what `send_message` and nodemailer put together themselves."""
    (folder / MESSAGE).write_bytes(message)
    parsed = email.message_from_bytes(message, policy=default)
    for kind, file in (("plain", TEXT), ("html", HTML)):
        part = parsed.get_body((kind,))
        assert part is not None
        text = part.get_content().replace(link, "{link}").replace(name, "{name}")
        (folder / file).write_text(text)


def _made(text: str, html: str, number: int) -> EmailMessage:
    personal = {"{link}": f"{readers.PUBLIC_URL}/unsubscribe/{number:064x}", "{name}": "Ada"}
    for hole, value in personal.items():
        text, html = text.replace(hole, value), html.replace(hole, value)
    made = EmailMessage()
    made["From"] = SENDER
    made["To"] = readers.address_of(number)
    made["Subject"] = "Morning Memo"
    made["List-Unsubscribe"] = f"<{personal['{link}']}>"
    made["Message-ID"] = f"<{number}@ledger.example.org>"
    made.set_content(text)
    made.add_alternative(html, subtype="html")
    return made


async def _measured(work: Work, hand_over: HandOver) -> Measured:
    numbers = iter(range(work.messages))
    watch = Stopwatch()
    await asyncio.gather(*(_send(work.relay_port, numbers, hand_over) for _ in range(work.connections)))
    return processes.measured_by(watch, work)


async def _send(relay_port: int, numbers: Iterator[int], hand_over: HandOver) -> None:
    async with SMTP(hostname="127.0.0.1", port=relay_port, start_tls=False, use_tls=False) as connection:
        for number in numbers:
            await hand_over(connection, number)


if __name__ == "__main__":
    processes.report({"sendmail": sendmail, "send_message": send_message}[sys.argv.pop(1)])
