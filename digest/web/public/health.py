"""/health: for whoever watches the machine. It tells no more than whether the database answers and the ticker ticks."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from digest.app import App
from digest.audience.links import HEALTH_PATH
from digest.db.engine import answers
from digest.errors import DatabaseError


def router(app: App, is_ticking: Callable[[], bool]) -> APIRouter:
    routes = APIRouter()

    @routes.api_route(HEALTH_PATH, methods=["GET", "HEAD"])
    def show() -> JSONResponse:
        trouble = [name for name, is_well in (("database", _answers(app)), ("ticker", is_ticking())) if not is_well]
        return JSONResponse({"status": "failing" if trouble else "ok", "failing": trouble}, 503 if trouble else 200)

    return routes


def _answers(app: App) -> bool:
    try:
        return answers(app.engine)
    except DatabaseError:  # its schema is not ours
        return False
