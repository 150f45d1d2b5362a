"""The apps behind one door: which one answers, with which headers, and what an error is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest import errors
from digest.web.errors import STATUS, Failsafe, status_of
from digest.web.headers import Headers
from digest.web.site import Mounts
from tests.web.running import RunningSite


def answer_of(app: ASGIApp, path: str = "/") -> list[Message]:
    """Each message of an app's answer."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    return sent


def every_error() -> Iterator[type[errors.DigestError]]:
    waiting = [errors.DigestError]
    while waiting:
        yield (each := waiting.pop())
        waiting += each.__subclasses__()


def test_each_error_has_a_status_by_the_nearest_of_its_classes() -> None:
    found = {each: next(STATUS[base] for base in each.__mro__ if base in STATUS) for each in every_error()}
    assert (found[errors.NotFound], found[errors.Stale], found[errors.ConfigError]) == (404, 409, 500)
    assert all(400 <= status < 600 for status in found.values())
    assert status_of(errors.BadInput("x")) == 422
    assert status_of(errors.RenderFailed("x")) == 500


def named(name: str) -> ASGIApp:
    return PlainTextResponse(name)


@pytest.mark.parametrize(
    ("path", "app"),
    [("/desk", "desk"), ("/desk/", "desk"), ("/desk/a/b", "desk"), ("/desks", "rest"), ("/", "rest"), ("", "rest")],
)
def test_a_path_belongs_to_the_app_of_its_first_part(path: str, app: str) -> None:
    sent = answer_of(Mounts({"/desk": named("desk")}, otherwise=named("rest")), path)
    assert sent[1]["body"].decode() == app


def test_headers_are_on_each_answer_unless_it_says_otherwise() -> None:
    app = Headers(
        PlainTextResponse("x", headers={"cache-control": "public"}), {"Cache-Control": "no-store", "X-A": "b"}
    )
    found = dict(answer_of(app)[0]["headers"])
    assert (found[b"cache-control"], found[b"x-a"]) == (b"public", b"b")


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in (b"a", b"b"):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    raise ZeroDivisionError


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise ZeroDivisionError


def sorry(_request: Request) -> Response:
    return PlainTextResponse("sorry", 500)


def test_an_accident_is_answered_and_half_an_answer_is_not_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    sent = answer_of(Failsafe(broken, sorry))
    assert (sent[0]["status"], sent[1]["body"]) == (500, b"sorry")
    parts: list[Message] = []

    async def keep(message: Message) -> None:
        parts.append(message)

    async def run() -> None:
        await Failsafe(streaming, sorry)({"type": "http", "headers": []}, None, keep)  # type: ignore[arg-type]

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())
    assert [each.get("body") for each in parts] == [None, b"a", b"b"]  # each part as it came


@pytest.fixture
def site(database_url: str, engine: Engine) -> Iterator[RunningSite]:
    del engine  # it makes the schema
    with RunningSite(database_url) as running:
        yield running


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_app_has_headers_and_errors_of_its_own(site: RunningSite) -> None:
    page, data = site.client.get("/nope"), site.client.get("/health")
    assert "style-src" in page.headers["content-security-policy"]
    assert "style-src" not in data.headers["content-security-policy"]
    for answer in (page, data, site.client.get("/health/nope"), site.client.post("/health"), site.client.put("/u/x")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert page.headers["content-type"].startswith("text/html")
    assert data.headers["content-type"] == "application/json"
    assert [site.client.post("/health").status_code, site.client.put("/u/x").status_code] == [405, 405]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_nobody_foresaw_is_a_friendly_page(site: RunningSite, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE web_view")
    answer = site.client.get("/e/KEY")
    assert answer.status_code == 500
    assert "try again in a few minutes" in answer.text
    assert "web_view" not in answer.text
