"""What an error is in HTTP, in one table; and what becomes of one that nobody foresaw. How it is worded is each app's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest import log
from digest.errors import BadInput, DatabaseError, DigestError, NotFound, NothingLeft, Refused

STATUS: Mapping[type[DigestError], int] = {
    NotFound: 404,
    NothingLeft: 404,  # all that was there was withdrawn
    BadInput: 422,
    Refused: 409,
    DatabaseError: 503,
    DigestError: 500,  # of the program or of its settings: no visitor can help it
}
"""By the nearest of its classes. RFC 9110 §15.5 for those that the visitor could do something about."""


def status_of(error: DigestError) -> int:
    return next(STATUS[each] for each in type(error).__mro__ if each in STATUS)


class Failsafe:
    """Middleware: an accident is logged by its kind alone, since its text may quote a reader (P9), and answered.

    answer   what the visitor gets who asked so
    """

    def __init__(self, app: ASGIApp, answer: Callable[[Request], Response]) -> None:
        self._app, self._answer = app, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def watch(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            log.warn("web.failed", error=type(error).__name__)
            if has_begun:  # half an answer cannot be taken back: the connection ends
                raise
            await self._answer(Request(scope))(scope, receive, send)
