"""All SQL of the room: sources, articles, what an editor did to them. Functions never commit: flows do."""
