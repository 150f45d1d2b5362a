"""Readers' pages, one file each; a new one is a file here, a template, and a line in PAGES."""

from digest.web.public import archive, unsubscribe

PAGES = (unsubscribe.router, archive.router)
