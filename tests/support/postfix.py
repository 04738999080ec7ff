"""A real Postfix as one hop: its own folder, its own port on loopback, everything handed on to one relay. The system's is not touched.

Only root may start one, and it wants to write a folder that its own user can reach.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POSTFIX = "/usr/sbin/postfix"
UP_WITHIN_SECONDS = 60.0
MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/postfix.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = hop.example.org
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
relayhost = [127.0.0.1]:{onward}
smtp_tls_security_level = none
smtp_host_lookup = native
minimal_backoff_time = 1s
queue_run_delay = 1s
notify_classes =
"""
MASTER = """\
{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
scache unix - - n - 1 scache
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def missing() -> str | None:
    """Why there can be none here."""
    if not Path(POSTFIX).exists():
        return "postfix is not installed"
    return None if os.geteuid() == 0 else "only root can start a postfix"


@contextmanager
def hop(onward: int, *, more: str = "") -> Iterator[str]:
    """The URL of a Postfix that hands everything to that port on loopback. `more`: further lines of its main.cf."""
    folder = Path(tempfile.mkdtemp(prefix="memo-postfix-"))
    folder.chmod(0o755)
    port = _free_port()
    try:
        configuration = folder / "etc"
        for name in ("etc", "queue", "data", "log"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        (configuration / "main.cf").write_text(MAIN.format(folder=folder, onward=onward) + more)
        (configuration / "master.cf").write_text(MASTER.format(port=port))
        _run(configuration, "start")
        try:
            _until_up(port, folder / "log" / "postfix.log")
            yield f"smtp://127.0.0.1:{port}?tls=none"
        finally:
            _run(configuration, "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(configuration: Path, order: str) -> None:
    done = subprocess.run(
        [POSTFIX, "-c", str(configuration), order], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _until_up(port: int, log: Path) -> None:
    end = time.monotonic() + UP_WITHIN_SECONDS
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=UP_WITHIN_SECONDS) as connection:
                if connection.recv(4) == b"220 ":
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text() if log.exists() else "postfix wrote no log")
