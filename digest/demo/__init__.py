"""demo: an invented publication, a local SMTP catcher and a page to look at the mails; the rest is the real thing."""
