"""/e/KEY: an edition in a browser, for everybody; nothing personal is in it (P9)."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from digest.app import App
from digest.audience.links import WEB_VIEW_PATH
from digest.errors import NothingLeft
from digest.flows.web_views import WebViews


def router(app: App) -> APIRouter:
    routes = APIRouter()
    views = WebViews(app.engine, app.press)

    @routes.api_route(WEB_VIEW_PATH + "{key}", methods=["GET", "HEAD"])
    def show(key: str) -> HTMLResponse:
        if not key.isascii() or not key.isprintable():  # PostgreSQL refuses a NUL
            raise HTTPException(404)
        try:
            page = views.page(key)
        except NothingLeft:
            raise HTTPException(404) from None
        if page is None:
            raise HTTPException(404)
        return HTMLResponse(page, headers={"Cache-Control": "public, max-age=3600"})

    return routes
