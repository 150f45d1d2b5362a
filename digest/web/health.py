"""/health: for whoever watches the machine. It tells no more than whether the database answers and the ticker ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from digest.app import App
from digest.audience.links import HEALTH_PATH
from digest.db.engine import answers
from digest.errors import DatabaseError
from digest.web.errors import Failsafe
from digest.web.headers import DATA, Headers


def make_health(app: App, is_ticking: Callable[[], bool]) -> ASGIApp:
    def show(_request: Request) -> Response:
        return _answer(name for name, is_well in (("database", _answers(app)), ("ticker", is_ticking())) if not is_well)

    failsafe = Middleware(Failsafe, answer=lambda _: _answer(["health"]))
    site = Starlette(routes=[Route(HEALTH_PATH, show, methods=["GET"])], middleware=[failsafe])
    site.router.redirect_slashes = False  # no answer is made from what a request says of its host
    return Headers(site, DATA)


def _answer(trouble: Iterable[str]) -> JSONResponse:
    failing = list(trouble)
    return JSONResponse({"status": "failing" if failing else "ok", "failing": failing}, 503 if failing else 200)


def _answers(app: App) -> bool:
    try:
        return answers(app.engine)
    except DatabaseError:  # its schema is not ours
        return False
