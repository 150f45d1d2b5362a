"""Every act has its row with what was before and after, others can be told of it, and a stale write can be told."""

import sqlalchemy as sa
from alembic import op

from digest.db.types import Id, Json, UtcDateTime

revision = "0003_audit_and_outbox"
down_revision = "0002_web_view"


def upgrade() -> None:
    for table in ("source", "article", "newsletter", "edition"):
        op.add_column(table, sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")))

    empty = sa.text("'{}'")
    op.add_column("audit_log", sa.Column("actor_kind", sa.Text(), nullable=False, server_default="cli"))
    op.add_column("audit_log", sa.Column("noun", sa.Text(), nullable=False, server_default=""))
    op.add_column("audit_log", sa.Column("noun_id", Id, nullable=True))
    op.add_column("audit_log", sa.Column("newsletter_id", Id, nullable=True))
    op.add_column("audit_log", sa.Column("version", sa.Integer(), nullable=True))
    op.add_column("audit_log", sa.Column("before", Json, nullable=False, server_default=empty))
    op.add_column("audit_log", sa.Column("after", Json, nullable=False, server_default=empty))
    for statement in (  # an actor was "cli:anna", "cli" or "schedule"; an action says its noun first: "edition.approve"
        "UPDATE audit_log SET actor_kind = 'scheduler', actor = '' WHERE actor = 'schedule'",
        "UPDATE audit_log SET actor = '' WHERE actor = 'cli'",
        "UPDATE audit_log SET actor = substr(actor, 5) WHERE substr(actor, 1, 4) = 'cli:'",
        "UPDATE audit_log SET noun = 'edition', noun_id = edition_id WHERE substr(action, 1, 8) = 'edition.'",
        "UPDATE audit_log SET noun = 'event' WHERE substr(action, 1, 6) = 'event.'",
        "UPDATE audit_log SET noun = 'newsletter' WHERE noun = ''",
        "UPDATE audit_log SET newsletter_id = (SELECT newsletter_id FROM edition WHERE id = audit_log.edition_id)",
    ):
        op.execute(statement)
    op.drop_index("ix_audit_log_edition_id", "audit_log")
    with op.batch_alter_table("audit_log") as batch:
        batch.drop_constraint("fk_audit_log_edition_id_edition", type_="foreignkey")
        batch.drop_column("edition_id")
    op.create_index("ix_audit_log_noun_noun_id_id", "audit_log", ["noun", "noun_id", "id"])
    op.create_index("ix_audit_log_newsletter_id_id", "audit_log", ["newsletter_id", "id"])
    op.create_index("ix_audit_log_actor_id", "audit_log", ["actor", "id"])
    op.create_index("ix_audit_log_action_id", "audit_log", ["action", "id"])

    op.create_table(
        "outbox",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_at", "outbox", ["at"])
