"""/u/TOKEN: GET shows a button, POST leaves. The same address answers one-click unsubscribes of mail programs."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from digest.app import App
from digest.audience import store, tokens
from digest.db.engine import reading
from digest.editions.store import get_newsletter_by_id
from digest.flows import membership
from digest.flows.copies import LEAVE
from digest.model.feedback import Unsubscribe
from digest.model.newsletter import Newsletter, NewsletterId
from digest.model.subscriber import SubscriptionStatus
from digest.web.pages import page

ONE_CLICK = "One-Click"


def router(app: App) -> APIRouter:
    routes = APIRouter()

    def find(token: str) -> tuple[int, bool, Newsletter]:
        """The subscription of a token, whether it has left, its newsletter; 404 for anything else."""
        subscription_id = tokens.verify(LEAVE, token, keys=app.token_keys)
        if subscription_id is None:
            raise HTTPException(404)
        with reading(app.engine) as connection:
            found = store.find_subscription(connection, subscription_id)
            if found is None:
                raise HTTPException(404)
            newsletter = get_newsletter_by_id(connection, NewsletterId(found.newsletter_id))
        return subscription_id, found.status is SubscriptionStatus.LEFT, newsletter

    @routes.api_route("/u/{token}", methods=["GET", "HEAD"])
    def ask(token: str) -> HTMLResponse:
        """RFC 9110 §9.2.1: a GET changes nothing; scanners follow it."""
        _, has_left, newsletter = find(token)
        name = "left.html" if has_left else "unsubscribe.html"
        return HTMLResponse(page(name, title=newsletter.title, newsletter=newsletter))

    @routes.post("/u/{token}")
    async def leave(token: str, request: Request) -> Response:
        """RFC 8058 §3.2: no cookie, no redirect, the token alone says who; a second POST is as good as the first."""
        form = await request.form()
        is_one_click = form.get("List-Unsubscribe") == ONE_CLICK
        method = "one-click" if is_one_click else "page"
        newsletter = await run_in_threadpool(lambda: _leave(app, find(token), method))
        if is_one_click:
            return PlainTextResponse("unsubscribed\n")
        return HTMLResponse(page("left.html", title=newsletter.title, newsletter=newsletter))

    return routes


def _leave(app: App, found: tuple[int, bool, Newsletter], method: str) -> Newsletter:
    subscription_id, _, newsletter = found
    request = Unsubscribe(subscription_id=subscription_id, at=app.clock.now(), method=method)
    membership.leave(app.engine, request, origin="/u/")
    return newsletter
