"""Readers' pages, one file each; a new one is a file here, a template, and a line in PAGES."""

from digest.web.public import archive, choices, images, switches, unsubscribe

PAGES = (unsubscribe.router, choices.router, switches.router, archive.router, images.router)
