"""What all tables share: one MetaData, and names for every constraint."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData(
    naming_convention={  # batch migrations on SQLite need a name for everything
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
