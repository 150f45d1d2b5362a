"""All SQL of the room: newsletters, editions and what is in them. Functions never commit: flows do."""
