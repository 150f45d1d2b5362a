"""A small site with a newsletter, readers and articles, and an SMTP server that keeps what it accepts."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Engine, insert, select

from digest.audience.links import Links
from digest.audience.tokens import Keyring
from digest.db.engine import writing
from digest.db.tables import article, subscriber, subscription
from digest.delivery.channels.smtp import Options, SmtpChannel
from digest.editions.store import newsletters
from digest.flows.publish import Press
from digest.message.sign import Signer
from digest.model.actor import Actor, ActorKind
from digest.model.address import EmailAddress
from digest.model.newsletter import Newsletter, NewsletterId, Schedule

NOW = datetime(2026, 11, 23, 7, 0, 5, tzinfo=UTC)
KEY = b"k" * 32
ADMIN = Actor(ActorKind.CLI, "anna")
LINKS = Links("https://digest.example.org", unsubscribe_mailbox="leave@example.org", keyring=Keyring([KEY]))

TEMPLATE = {
    "body.html": (
        "<html><head><style>p {margin:0}</style></head><body>"
        "<p>{{ reader.first_name|default('friend', true) }} {{ reader.missed }}</p>"
        '<table>{% picks "lead" as a, p %}<tr><td><h1>{{ a.title }}</h1></td></tr>{% endpicks %}'
        '{% picks "rows" as a, p %}<tr><td>{{ p.number }} <a href="{{ a.url }}">{{ a.title }}</a></td></tr>{% endpicks %}'
        '{% picks "headlines" as a, p %}<tr><td>{{ a.title }}</td></tr>{% endpicks %}</table>'
        '<p><a href="{{ reader.unsubscribe_url }}">Leave</a></p></body></html>'
    ),
    "body.txt": (
        '{{ reader.missed }}\n{% picks "lead" as a, p %}{{ a.title }}\n{{ a.url }}\n{% endpicks %}'
        '{% picks "rows" as a, p %}{{ a.title }}\n{{ a.url }}\n{% endpicks %}'
        '{% picks "headlines" as a, p %}{{ a.title }}\n{{ a.url }}\n{% endpicks %}{{ reader.unsubscribe_url }}\n'
    ),
    "subject.txt": "{% if edition.is_test %}[Test] {% endif %}"
    "{% if edition.is_own %}{{ reader.subject }}{% else %}{{ edition.subject }}{% endif %}",
}


class Recorder:
    """Keeps (recipient, bytes), and beside each the MAIL FROM in `senders`.

    answers   make it say something else to a recipient, once per entry
    """

    def __init__(self) -> None:
        self.accepted: list[tuple[str, bytes]] = []
        self.senders: list[str] = []
        self.answers: dict[str, list[str]] = {}
        self.body_answers: list[str] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers.get(address):
            return self.answers[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.body_answers:
            return self.body_answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.accepted += [(address, content) for address in envelope.rcpt_tos]
        self.senders += [str(envelope.mail_from)] * len(envelope.rcpt_tos)
        return "250 2.0.0 queued"

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]


class SmtpServer:
    def __init__(self, recorder: Recorder, port: int) -> None:
        self.recorder, self.port = recorder, port

    def channel(self, **options: object) -> SmtpChannel:
        values: dict[str, object] = {"host": "127.0.0.1", "port": self.port, "security": "none", "connections": 2}
        return SmtpChannel(Options(**(values | options)))  # type: ignore[arg-type]


def write_thin_template(folder: Path) -> Path:
    """A template folder with the template "thin": quick, and with everything in it that matters."""
    for name, source in TEMPLATE.items():
        path = folder / "email" / "thin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return folder


def make_press(*folders: Path, signer: Signer | None = None) -> Press:
    return Press(
        template_folders=list(folders),
        links=LINKS,
        message_key=KEY,
        signer=signer,
    )


def leave_url(subscription_id: int) -> str:
    return LINKS.leaving(subscription_id)[0]


def add_newsletter(engine: Engine, **values: object) -> Newsletter:
    defaults: dict[str, object] = {
        "id": NewsletterId(0),
        "name": "harbour",
        "title": "The Harbour Post",
        "sender": EmailAddress("news", "harbourpost.example"),
        "postal_address": "12 Quay Street, Port Alder",
        "template": "thin",
        "schedule": Schedule(weekdays=("mon",), wall_time=time(7, 0), time_zone="UTC"),
    }
    with writing(engine) as connection:
        newsletters.add_newsletter(connection, Newsletter(**(defaults | values)), now=NOW)  # type: ignore[arg-type]
        return newsletters.get_newsletter(connection, str(values.get("name", "harbour")))


def add_readers(engine: Engine, newsletter: Newsletter, count: int, **values: object) -> list[str]:
    addresses = [f"reader{number}@example.org" for number in range(1, count + 1)]
    with writing(engine) as connection:
        connection.execute(
            insert(subscriber),
            [
                {"address": a, "address_key": a, "name": f"Reader {i}", "attributes": {}, "created_at": NOW}
                for i, a in enumerate(addresses)
            ],
        )
        ids = connection.execute(select(subscriber.c.id).order_by(subscriber.c.id)).scalars().all()
        connection.execute(
            insert(subscription),
            [
                {
                    "subscriber_id": id_,
                    "newsletter_id": newsletter.id,
                    "status": "active",
                    "preferences": {},
                    "joined_at": NOW,
                    **values,
                }
                for id_ in ids
            ],
        )
    return addresses


def add_articles(engine: Engine, count: int, *, start: datetime = NOW, first: int = 1) -> None:
    with writing(engine) as connection:
        connection.execute(
            insert(article),
            [
                {
                    "key": f"a{number}",
                    "url": f"https://harbourpost.example/a{number}",
                    "canonical_url": f"https://harbourpost.example/a{number}",
                    "title": f"Story {number}",
                    "published_at": start - timedelta(hours=number - first + 1),
                    "ready_at": start - timedelta(hours=number - first + 1),
                    "authors": ["Ana"],
                    "topics": ["City"],
                    "comments": [],
                    "content_hash": "x",
                    "first_seen_at": start,
                    "updated_at": start,
                }
                for number in range(first, first + count)
            ],
        )
