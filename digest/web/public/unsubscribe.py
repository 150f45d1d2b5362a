"""/u/TOKEN: GET shows a button, POST leaves. The same address answers one-click unsubscribes of mail programs."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as Unreadable

from digest.app import App
from digest.audience.links import LEAVE, LEAVE_PATH
from digest.flows import membership
from digest.model.feedback import Unsubscribe
from digest.web.access import Asking, get_asking
from digest.web.pages import page

ONE_CLICK = "One-Click"


def router(app: App) -> APIRouter:
    routes = APIRouter()

    @routes.api_route(LEAVE_PATH + "{token}", methods=["GET", "HEAD"])
    def ask(token: str) -> HTMLResponse:
        """RFC 9110 §9.2.1: a GET changes nothing; scanners follow it."""
        asking = get_asking(app, LEAVE, token)
        newsletter, name = asking.newsletter, "left.html" if asking.has_left else "unsubscribe.html"
        return HTMLResponse(page(name, asking.words, newsletter=newsletter))

    @routes.post(LEAVE_PATH + "{token}")
    async def leave(token: str, request: Request) -> Response:
        """RFC 8058 §3.2: no cookie, no redirect, the token alone says who; a second POST is as good as the first."""
        is_one_click = await _is_one_click(request)
        method = "one-click" if is_one_click else "page"
        asking = await run_in_threadpool(lambda: _leave(app, token, method))
        if is_one_click:
            return PlainTextResponse("unsubscribed\n")
        return HTMLResponse(page("left.html", asking.words, newsletter=asking.newsletter))

    return routes


async def _is_one_click(request: Request) -> bool:
    """What the form says; a form that cannot be read is no reason to keep somebody."""
    try:
        form = await request.form(max_files=0, max_fields=10)
    except Unreadable:
        return False
    return form.get("List-Unsubscribe") == ONE_CLICK


def _leave(app: App, token: str, method: str) -> Asking:
    asking = get_asking(app, LEAVE, token)
    request = Unsubscribe(subscription_id=asking.subscription.id, at=app.clock.now(), method=method)
    membership.leave(app.engine, request, origin="/u/")
    return asking
