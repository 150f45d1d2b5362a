"""Readers' pages, one file each; a new one is a file here, a template, and a line in PAGES. Who asks is known by the token
of the link alone (access.py)."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from digest import log
from digest.app import App
from digest.errors import BadInput, DigestError
from digest.web.errors import Failsafe, status_of
from digest.web.headers import PAGES as PAGE_HEADERS
from digest.web.headers import Headers
from digest.web.pages import accepted, page, words_for
from digest.web.public import archive, choices, images, switches, unsubscribe

PAGES = (unsubscribe.router, choices.router, switches.router, archive.router, images.router)


def make_public(app: App) -> ASGIApp:
    """All of them, with their headers and their error page."""
    site = FastAPI(title="digest", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    for router in PAGES:
        site.include_router(router(app))

    def error_page(request: Request, status: int, text: str = "") -> HTMLResponse:
        """Nobody knows who asks, so what their browser says of languages counts. text: "": what fits the status"""
        accepts = accepted(request.headers.get("Accept-Language", ""))
        words = words_for(accepts, app.settings.templates.folder)
        title = words.gettext("That did not work")
        if status == 404:
            title = words.gettext("Not found")
            text = words.gettext("This link is not valid any more, or was cut in two.")
        elif not text:
            title = words.gettext("Something went wrong")
            text = words.gettext("We could not do that just now. Please try again in a few minutes.")
        else:
            text = words.gettext(text)
        return HTMLResponse(page("error.html", words, title=title, text=text), status_code=status)

    @site.exception_handler(DigestError)
    async def say(request: Request, error: Any) -> HTMLResponse:
        """Only what is wrong with the input is meant for a reader."""
        status = status_of(error)
        if status >= 500:
            log.warn("web.failed", error=type(error).__name__)
        return error_page(request, status, str(error) if isinstance(error, BadInput) else "")

    @site.exception_handler(HTTPException)
    async def refuse(request: Request, error: Any) -> HTMLResponse:
        """What the framework itself refuses: another path, another method."""
        return error_page(request, error.status_code, str(error.detail))

    site.add_middleware(Failsafe, answer=lambda request: error_page(request, 500))
    return Headers(site, PAGE_HEADERS)
