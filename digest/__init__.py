"""digest: a newsletter digest generator and mailer. Read the rooms in the order in which an article travels:
sources, audience, editions, render, message, delivery, feedback; flows/ is where they meet."""

__version__ = "0.1.0"
