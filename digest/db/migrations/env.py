"""What Alembic runs around each migration; the connection comes from db/migrate.py."""

from alembic import context

from digest.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
