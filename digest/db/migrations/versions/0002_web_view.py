"""The web view of an edition is kept, so that whoever looks at it makes nothing."""

import sqlalchemy as sa
from alembic import op

from digest.db.types import Id

revision = "0002_web_view"
down_revision = "0001_first"


def upgrade() -> None:
    op.create_table(
        "web_view",
        sa.Column("edition_id", Id, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("page", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_web_view_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("edition_id", name=op.f("pk_web_view")),
    )
