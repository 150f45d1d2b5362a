"""/c/TOKEN: GET shows what the newsletter offers and what was chosen, POST saves the form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from digest.app import App
from digest.audience.choosing import Wanted
from digest.audience.links import CHOOSE, CHOOSE_PATH
from digest.errors import BadInput
from digest.flows import membership
from digest.web.access import Asking, get_asking, parse_fields, read_form
from digest.web.choosing.form import Form, differences, make_form
from digest.web.choosing.sent import apply, changes, person_of
from digest.web.choosing.stale import stale, without_stale
from digest.web.pages import page


def router(app: App) -> APIRouter:
    routes = APIRouter()

    @routes.api_route(CHOOSE_PATH + "{token}", methods=["GET", "HEAD"])
    def show(token: str) -> HTMLResponse:
        """RFC 9110 §9.2.1: a GET changes nothing; scanners follow it."""
        asking = get_asking(app, CHOOSE, token)
        return left(asking) if asking.has_left else _page(_form(app, asking))

    @routes.post(CHOOSE_PATH + "{token}")
    async def save(token: str, request: Request) -> HTMLResponse:
        try:
            sent = await read_form(request)
        except BadInput as refusal:
            text = str(refusal)
            return await run_in_threadpool(lambda: _refused(app, token, {}, text))
        return await run_in_threadpool(lambda: _save(app, token, sent))

    return routes


def left(asking: Asking) -> HTMLResponse:
    """Whoever has left chooses nothing (P5)."""
    return HTMLResponse(page("left.html", asking.words, newsletter=asking.newsletter))


def _form(app: App, asking: Asking) -> Form:
    wanted = membership.wanted_of(asking.subscription)
    return make_form(asking.newsletter, asking.person, wanted, now=app.clock.now(), words=asking.words)


def _save(app: App, token: str, sent: Mapping[str, str]) -> HTMLResponse:
    """What was typed stays on the page when it cannot be saved."""
    asking = get_asking(app, CHOOSE, token)
    before = _form(app, asking)
    try:
        changed = {} if "drop" in sent else changes(before, sent, parse_fields(sent.get("seen", "").encode()))
        person = {} if asking.has_left else person_of(changed)

        def change(wanted: Wanted) -> Wanted:
            """As it is at this moment, which another page may have changed since."""
            if "drop" in sent:
                return without_stale(replace(before, wanted=wanted))
            return apply(before, wanted, changed, sent)

        wanted = membership.choose(
            app.engine, asking.subscription.id, change, now=before.now, origin="page", person=person
        )
    except BadInput as refusal:
        return _refused(app, token, sent, str(refusal))
    if wanted is None:
        return left(asking)
    after = _form(app, get_asking(app, CHOOSE, token))
    return _page(after, saved=stale(before) if "drop" in sent else differences(before, after), is_drop="drop" in sent)


def _refused(app: App, token: str, sent: Mapping[str, str], error: str) -> HTMLResponse:
    asking = get_asking(app, CHOOSE, token)
    return left(asking) if asking.has_left else _page(_form(app, asking), sent=sent, error=error)


def _page(
    form: Form,
    *,
    saved: list[tuple[str, str]] | None = None,
    is_drop: bool = False,
    sent: Mapping[str, str] | None = None,
    error: str = "",
) -> HTMLResponse:
    sent = sent or {}
    values = {name: sent.get(name, control.value) for name, control in form.controls.items()}
    text = page(
        "choices.html",
        form.words,
        newsletter=form.newsletter,
        groups=form.groups,
        values=values,
        seen=sent.get("seen", form.seen),
        paused=form.paused,
        stale=stale(form),
        saved=saved,
        is_drop=is_drop,
        error=form.words.gettext(error) if error else "",
    )
    return HTMLResponse(text, status_code=422 if error else 200)
