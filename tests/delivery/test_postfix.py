"""A real Postfix as the next hop, with mailboxes behind it: every message arrives once, and as it was given."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.clock import FixedClock
from digest.db.engine import reading
from digest.delivery.store import rows as delivery_store
from digest.flows import dispatch, publish
from digest.flows.publish import Press
from digest.model.delivery import Balance
from tests.flows.test_dispatch import balance, build, send
from tests.site import NOW, Recorder, SmtpServer

POSTFIX = shutil.which("postfix", path="/usr/sbin:/usr/local/sbin:/usr/bin")
DAEMONS = Path("/usr/lib/postfix/sbin")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(POSTFIX is None or not DAEMONS.exists(), reason="Postfix is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Postfix must be started as root"),
]

READERS = 60

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

MAIN = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
daemon_directory = {daemons}
maillog_file = {root}/maillog
maillog_file_prefixes = {root}
myhostname = mx.example.org
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_transport = virtual
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
inet_interfaces = 127.0.0.1
"""


class Mailboxes:
    """All mail of the domain, in one maildir: `Delivered-To` says whose it is."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.port = root, port

    def messages(self) -> list[tuple[str, bytes]]:
        """(address, the message as it lies in the mailbox)."""
        found = []
        for file in (self.root / "mail" / "all" / "new").glob("*"):
            raw = file.read_bytes()
            address = raw.split(b"Delivered-To: ")[1].split(b"\n")[0].decode()
            found.append((address, raw))
        return found

    def wait_for(self, number: int) -> list[tuple[str, bytes]]:
        until = time.monotonic() + 30
        while len(found := self.messages()) < number and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(0.5)  # for one too many
        return self.messages() or found


@pytest.fixture(scope="module")
def mailboxes() -> Iterator[Mailboxes]:
    root = Path(tempfile.mkdtemp(prefix="postfix-"))  # pytest's own folders may be entered by their owner only
    root.chmod(0o755)
    owner = pwd.getpwnam("nobody")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name in ("etc", "queue", "data", "mail"):
        (root / name).mkdir()
    shutil.chown(root / "data", "postfix")
    shutil.chown(root / "mail", owner.pw_uid, owner.pw_gid)
    values = {"root": root, "daemons": DAEMONS, "uid": owner.pw_uid, "gid": grp.getgrgid(owner.pw_gid).gr_gid}
    (root / "etc" / "main.cf").write_text(MAIN.format(**values))
    (root / "etc" / "master.cf").write_text(MASTER.format(port=port))

    def postfix(command: str) -> None:
        environment = {**os.environ, "MAIL_CONFIG": str(root / "etc")}
        done = subprocess.run(
            [str(POSTFIX), "-c", str(root / "etc"), command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    postfix("start")
    try:
        yield Mailboxes(root, port)
    finally:
        postfix("stop")
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def clean(mailboxes: Mailboxes) -> Mailboxes:
    shutil.rmtree(mailboxes.root / "mail" / "all", ignore_errors=True)
    return mailboxes


def expected(engine: Engine, press: Press, edition_id: int) -> Callable[[int], bytes]:
    """The message that a reader should have, made by itself."""
    maker = publish.open_maker(engine, press, edition_id)
    with reading(engine) as connection:
        rows = {due.subscription_id: due for due in delivery_store.list_due(connection, 1, now=NOW)}
    return lambda number: maker.outgoing(rows[number], at=NOW).content


@pytest.mark.parametrize("pipelining", [True, False])
def test_every_message_arrives_once_and_as_it_was_given(
    engine: Engine, press: Press, clean: Mailboxes, pipelining: bool
) -> None:
    edition_id = build(engine, press, readers=READERS)
    dispatch.plan(engine, edition_id, now=NOW)
    made = expected(engine, press, edition_id)
    wanted = {f"reader{number}@example.org": made(number) for number in range(1, READERS + 1)}
    server = SmtpServer(Recorder(), clean.port)
    send(engine, press, edition_id, server.channel(pipelining=pipelining), clock=FixedClock(NOW))
    assert balance(engine, edition_id) == Balance(planned=READERS, accepted=READERS)
    arrived = clean.wait_for(READERS)
    assert sorted(address for address, _ in arrived) == sorted(wanted)
    for address, message in arrived:
        own = wanted[address].replace(b"\r\n", b"\n")
        assert message.endswith(b"\n" + own), address
        added = [line.split(b":")[0] for line in message.removesuffix(own).splitlines() if not line.startswith(b"\t")]
        added = [name for name in added if not name.startswith(b" ")]
        assert set(added) == {b"Return-Path", b"X-Original-To", b"Delivered-To", b"Received"}
