"""The pages together: mounts, error pages, security headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from digest import log
from digest.app import App
from digest.web.door import Door
from digest.web.pages import accepted, page, words_for
from digest.web.public import PAGES, health
from digest.words import Words

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' https: data:; style-src 'unsafe-inline'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address of a page is a reader's token
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}


def make_site(app: App, *, is_ticking: Callable[[], bool] = lambda: True) -> ASGIApp:
    """The pages behind their door.

    is_ticking   of who runs them beside a ticker, for /health
    """
    site = FastAPI(title="digest", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    for router in PAGES:
        site.include_router(router(app))
    site.include_router(health.router(app, is_ticking))

    def words_of(request: Request) -> Words:
        """Nobody knows who asks, so what their browser says counts."""
        return words_for(accepted(request.headers.get("Accept-Language", "")), app.settings.templates.folder)

    @site.middleware("http")
    async def harden(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            response = await call_next(request)
        except Exception as error:  # its text may quote a reader, so only its kind is logged (P9)
            log.warn("web.failed", error=type(error).__name__)
            words = words_of(request)
            title = words.gettext("Something went wrong")
            text = words.gettext("We could not do that just now. Please try again in a few minutes.")
            response = HTMLResponse(page("error.html", words, title=title, text=text), status_code=500)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @site.exception_handler(HTTPException)
    async def say(request: Request, error: Any) -> HTMLResponse:
        words = words_of(request)
        title, text = words.gettext("Not found"), words.gettext("This link is not valid any more, or was cut in two.")
        if error.status_code != 404:
            title, text = words.gettext("That did not work"), words.gettext(str(error.detail))
        return HTMLResponse(page("error.html", words, title=title, text=text), status_code=error.status_code)

    return Door(site, web=app.settings.web)
