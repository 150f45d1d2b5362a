"""All SQL of the room: who reads, what they want, who may not be written to. Functions never commit: flows do."""
