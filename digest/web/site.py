"""The apps together, behind one door. Each has its own headers, errors and access."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from digest.app import App
from digest.audience.links import HEALTH_PATH
from digest.web.door import Door
from digest.web.health import make_health
from digest.web.public import make_public


def make_site(app: App, *, is_ticking: Callable[[], bool] = lambda: True) -> ASGIApp:
    """All that visitors can ask for.

    is_ticking   of who runs them beside a ticker, for /health
    """
    mounted = {HEALTH_PATH: make_health(app, is_ticking)}
    return Door(Mounts(mounted, otherwise=make_public(app)), web=app.settings.web)


class Mounts:
    """Which app a path belongs to: the one that has its first part. The path stays whole."""

    def __init__(self, apps: Mapping[str, ASGIApp], *, otherwise: ASGIApp) -> None:
        self._apps, self._otherwise = apps, otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = "/" + scope["path"].removeprefix("/").partition("/")[0]
        await self._apps.get(first, self._otherwise)(scope, receive, send)
