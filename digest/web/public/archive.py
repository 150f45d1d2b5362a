"""/e/KEY: an edition in a browser, for everybody; nothing personal is in it (P9)."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest.app import App
from digest.audience.links import WEB_VIEW_PATH
from digest.errors import NotFound
from digest.flows.web_views import WebViews
from digest.web.access import NOWHERE


def router(app: App) -> APIRouter:
    routes = APIRouter()
    views = WebViews(app.engine, app.press)

    @routes.api_route(WEB_VIEW_PATH + "{key}", methods=["GET", "HEAD"])
    def show(key: str) -> HTMLResponse:
        if not key.isascii() or not key.isprintable():  # PostgreSQL refuses a NUL
            raise NotFound(NOWHERE)
        page = views.page(key)
        if page is None:
            raise NotFound(NOWHERE)
        return HTMLResponse(page, headers={"Cache-Control": "public, max-age=3600"})

    return routes
