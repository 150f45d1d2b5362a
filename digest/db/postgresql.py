"""What every session of ours asks of PostgreSQL, so that a promise does not hang on how a server is set up.

synchronous_commit   on, where a role, database or server has it off: a mark that a crash takes back is a second copy
idle in transaction  30 s: a process that was stopped, or a machine that is gone, lets go of the rows that it holds
lock_timeout         30 s: who waits for such a one hears of it, and tries again (flows/dispatch/commits.py, Patience)
keepalives           a connection to a machine that is gone ends within a minute, on both sides

Any role may set them. Behind a pooler that gives each transaction another session (PgBouncer in transaction mode) a setting
of the session is another's: there they are set in each transaction. Statements are never prepared on the server: the
next transaction may be in a session that does not know them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

ARGUMENTS: dict[str, Any] = {
    "prepare_threshold": None,
    "client_encoding": "utf8",  # a database in SQL_ASCII would answer in bytes
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "application_name": "digest",
}

_SET = """
SELECT set_config(name, value, {is_local}) FROM (VALUES
  ('idle_in_transaction_session_timeout', '30s'),
  ('lock_timeout', '30s'),
  ('tcp_keepalives_idle', '20'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'),
  ('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                         ELSE current_setting('synchronous_commit') END)
) AS wanted (name, value)
"""


def prepare(driver: Any, record: Any) -> None:
    """For a new connection: is there a pooler between, whose number for us is not that of the session?"""
    with driver.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        record.info["digest_is_pooled"] = cursor.fetchone()[0] != driver.info.backend_pid
        if not record.info["digest_is_pooled"]:
            cursor.execute(_SET.format(is_local="false"))
    driver.commit()


def begin(connection: Connection) -> None:
    if connection.info.get("digest_is_pooled"):
        connection.exec_driver_sql(_SET.format(is_local="true"))
