"""/i/NAME: a copy of a picture. Its name is its content, so whoever has it once need not ask again."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse

from digest.app import App
from digest.audience.links import IMAGE_PATH
from digest.errors import NotFound
from digest.sources import image_folder


def router(app: App) -> APIRouter:
    routes = APIRouter()
    folder = app.settings.images.folder

    @routes.api_route(IMAGE_PATH + "{name}", methods=["GET", "HEAD"])
    def show(name: str) -> FileResponse:
        if folder is None or not image_folder.is_name(name) or not (folder / name).is_file():
            raise NotFound("no such picture")
        return FileResponse(
            folder / name,
            media_type=image_folder.TYPES[name.rpartition(".")[2]],
            headers={"Cache-Control": "public, max-age=31536000, immutable"},  # RFC 8246 §2
        )

    return routes
