"""/c/TOKEN/VERB/WHAT/NAME, as /mute/topics/health: GET says what the link of a mail would do, POST does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from digest.app import App
from digest.audience.choosing import Wanted
from digest.audience.links import CHOOSE, CHOOSE_PATH
from digest.errors import BadInput, NotFound
from digest.flows import membership
from digest.model.choices import Choices
from digest.web.access import NOWHERE, Asking, get_asking, read_form
from digest.web.choosing.links import Link
from digest.web.pages import page
from digest.web.public.choices import left

_ADDRESS = CHOOSE_PATH + "{token}/{verb}/{what}/{name}"


def router(app: App) -> APIRouter:
    routes = APIRouter()

    def find(token: str, verb: str, what: str, name: str) -> tuple[Asking, Link]:
        asking = get_asking(app, CHOOSE, token)
        try:
            return asking, Link.parse(verb, what, name)
        except BadInput:
            raise NotFound(NOWHERE) from None

    @routes.api_route(_ADDRESS, methods=["GET", "HEAD"])
    def ask(token: str, verb: str, what: str, name: str, request: Request) -> HTMLResponse:
        """RFC 9110 §9.2.1: a GET changes nothing; scanners follow it."""
        asking, link = find(token, verb, what, name)
        if asking.has_left:
            return left(asking)
        return _page(asking, link, asking.subscription.choices, token=token, up=request.scope["up"])

    @routes.post(_ADDRESS)
    async def act(token: str, verb: str, what: str, name: str, request: Request) -> HTMLResponse:
        sent = await read_form(request)
        up = request.scope["up"]
        return await run_in_threadpool(lambda: _act(app, *find(token, verb, what, name), token, sent, up))

    return routes


def _act(app: App, asking: Asking, link: Link, token: str, sent: Mapping[str, str], up: str) -> HTMLResponse:
    """Twice is as good as once."""
    is_undo = "undo" in sent
    back = ""

    def change(wanted: Wanted) -> Wanted:
        nonlocal back
        if is_undo:
            return link.undo(wanted, sent.get("back", ""))
        back = link.taken_back(wanted.choices)
        return link.switch(wanted, asking.newsletter, asking.words)

    try:
        wanted = membership.choose(app.engine, asking.subscription.id, change, now=app.clock.now(), origin="link")
    except BadInput as refusal:
        return _page(asking, link, asking.subscription.choices, token=token, up=up, error=str(refusal))
    if wanted is None:
        return left(asking)
    return _page(asking, link, wanted.choices, token=token, up=up, is_done=True, back=back)


def _page(
    asking: Asking,
    link: Link,
    choices: Choices,
    *,
    token: str,
    up: str,
    is_done: bool = False,
    back: str = "",
    error: str = "",
) -> HTMLResponse:
    """What is true, or would be, and the button that changes it.

    up     to the address without the slashes that somebody put behind it: links are relative
    back   what was ended by this, for the button that undoes it
    """
    newsletter = asking.newsletter
    words = asking.words
    heading, sentence = link.said(choices, newsletter, words)
    fewer = replace(link, verb="fewer")
    offers_fewer = (link.verb, link.what) == ("mute", "topics") and not fewer.is_on(choices) and not is_done
    text = page(
        "switch.html",
        words,
        newsletter=newsletter,
        phrases=link.phrases(newsletter, words),
        heading=heading,
        sentence=sentence,
        is_on=link.is_on(choices),
        is_offered=link.is_offered(newsletter),
        is_done=is_done,
        fewer=fewer if offers_fewer and fewer.is_offered(newsletter) else None,
        back=back,
        token=token,
        up=up,
        error=words.gettext(error) if error else "",
    )
    return HTMLResponse(text, status_code=422 if error else 200)
