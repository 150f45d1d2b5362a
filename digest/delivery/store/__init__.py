"""All SQL of the room: the ledger, its batches and counts, notices. Functions never commit: flows do."""
