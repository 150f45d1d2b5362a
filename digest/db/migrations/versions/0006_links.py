"""Readers' links have a version, and tokens that open once are kept until they are over."""

import sqlalchemy as sa
from alembic import op

from digest.db.types import UtcDateTime

revision = "0006_links"
down_revision = "0003_audit_and_outbox"


def upgrade() -> None:
    op.add_column("subscriber", sa.Column("link_version", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_table(
        "spent_token",
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_spent_token")),
    )
    op.create_index("ix_spent_token_expires_at", "spent_token", ["expires_at"])
