"""A real Dovecot with one mailbox, over TLS: its own folder, its own ports on loopback. The system's is not touched.

It wants to be started as root; its mail is served under the user `nobody`.
"""

import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import certificates
from tests.support.certificates import Certificate

DOVECOT = "/usr/sbin/dovecot"
IMAP = "/usr/lib/dovecot/imap"
UP_WITHIN_SECONDS = 30.0
USER, PASSWORD = "bounces@example.org", "a-password-of-tests"
CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
instance_name = {name}
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
auth_failure_delay = 0
auth_mechanisms = plain login
mail_location = maildir:{folder}/mail
first_valid_uid = 1
first_valid_gid = 1
default_internal_user = {internal}
default_login_user = {internal}
default_internal_group = {group}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
"""


@dataclass(frozen=True)
class Mailbox:
    port: int
    tls_port: int
    certificate: Certificate
    folder: Path

    @contextmanager
    def _signed_in(self) -> Iterator[imaplib.IMAP4_SSL]:
        context = self.certificate.for_client()
        with imaplib.IMAP4_SSL("127.0.0.1", self.tls_port, ssl_context=context, timeout=20) as imap:
            imap.login(USER, PASSWORD)
            imap.select("INBOX")
            yield imap

    def put(self, *mails: bytes) -> None:
        """Deliver, as a mail server would."""
        with self._signed_in() as imap:
            for mail in mails:
                kind, answer = imap.append("INBOX", "", "", mail)
                assert kind == "OK", answer

    def flags(self) -> list[str]:
        """Of each mail that is still there, in order."""
        with self._signed_in() as imap:
            return [
                line.decode() for line in imap.uid("FETCH", "1:*", "(FLAGS)")[1] if isinstance(line, bytes)
            ]

    def empty(self) -> None:
        with self._signed_in() as imap:
            imap.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)")
            imap.expunge()


def missing() -> str | None:
    """Why there can be none here."""
    if not Path(DOVECOT).exists() or not Path(IMAP).exists():
        return "dovecot-imapd is not installed"
    return None if os.geteuid() == 0 else "only root can start a dovecot"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """An empty one."""
    folder = Path(tempfile.mkdtemp(prefix="memo-dovecot-"))
    folder.chmod(0o755)
    owner = pwd.getpwnam("nobody")
    certificate = certificates.make(folder)
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
    ports = _free_ports()
    configuration = folder / "dovecot.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            name=folder.name,
            certificate=certificate.ca_file,
            key=certificate.key_file,
            internal="dovecot",
            group="dovecot",
            password=PASSWORD,
            uid=owner.pw_uid,
            gid=owner.pw_gid,
            port=ports[0],
            tls_port=ports[1],
        )
    )
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(configuration)])
    try:
        _until_up(ports[1], folder / "log")
        yield Mailbox(*ports, certificate, folder)
    finally:
        process.terminate()
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for found in (one, two):
            found.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(two.getsockname()[1])


def _until_up(port: int, log: Path) -> None:
    end = time.monotonic() + UP_WITHIN_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text() if log.exists() else "dovecot wrote no log")
