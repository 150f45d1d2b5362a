"""db: the database itself; no rule of the trade.

Takes      a SQLAlchemy URL
Gives      an engine with the right settings, the tables, and a schema that is ours or a refusal
Owns       tables.py (every table, constraint and index), migrations/; the tables secret, audit_log, outbox
Promises   nothing runs on a schema that is older or newer than this program; what was committed survives a power cut
Fails      DatabaseError: cannot be reached; schema older or newer than this program
Start at   tables/outgoing.py
"""
