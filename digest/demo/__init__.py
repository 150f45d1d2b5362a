"""demo: an invented publication, a local SMTP catcher and a page to look at the mails; everything else is the real thing."""
