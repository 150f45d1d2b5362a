"""/e/KEY: an edition in a browser, for everybody; nothing personal is in it (P9)."""

from __future__ import annotations

from functools import lru_cache

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from digest.app import App
from digest.db.engine import reading
from digest.editions.store import find_public_edition
from digest.errors import NothingLeft
from digest.flows import publish


def router(app: App) -> APIRouter:
    routes = APIRouter()

    @lru_cache(maxsize=64)
    def rendered(edition_id: int, revision: int) -> str:
        """An approved edition only changes when an article is withdrawn, so it is rendered once."""
        del revision
        return publish.open_maker(app.engine, app.press, edition_id).web_view()

    @routes.api_route("/e/{key}", methods=["GET", "HEAD"])
    def show(key: str) -> HTMLResponse:
        if not key.isascii() or not key.isprintable():  # PostgreSQL refuses a NUL
            raise HTTPException(404)
        with reading(app.engine) as connection:
            edition = find_public_edition(connection, key)
        if edition is None:
            raise HTTPException(404)
        try:
            return HTMLResponse(
                rendered(edition.id, edition.revision), headers={"Cache-Control": "public, max-age=3600"}
            )
        except NothingLeft:
            raise HTTPException(404) from None

    return routes
