"""/e/KEY: an edition in a browser, for everybody; nothing personal is in it (P9)."""

from __future__ import annotations

from functools import lru_cache

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from digest.app import App
from digest.db.engine import reading
from digest.editions.store import find_public_edition
from digest.flows import publish


def router(app: App) -> APIRouter:
    routes = APIRouter()

    @lru_cache(maxsize=64)
    def rendered(edition_id: int) -> str:
        """An approved edition never changes, so it is rendered once."""
        return publish.open_maker(app.engine, app.press, edition_id).web_view()

    @routes.api_route("/e/{key}", methods=["GET", "HEAD"])
    def show(key: str) -> HTMLResponse:
        with reading(app.engine) as connection:
            edition = find_public_edition(connection, key)
        if edition is None:
            raise HTTPException(404)
        return HTMLResponse(rendered(edition.id), headers={"Cache-Control": "public, max-age=3600"})

    return routes
