"""An edition whose pictures are copies of our own, fetched from a real server and given out by the real site."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from PIL import Image as Pictures
from sqlalchemy import Engine, update

from digest import isolation
from digest.db.engine import reading, writing
from digest.db.tables import article
from digest.editions.store import editions as edition_store
from digest.flows import publish
from digest.flows.images import ImageDesk
from digest.model.article import Image
from digest.model.edition import EditionStatus
from digest.model.newsletter import Sponsor
from digest.sources.fetch import Fetcher
from digest.sources.resize import SIZES, resized
from tests.pictures import bomb, photo, turned_photo
from tests.site import NOW, add_articles, add_newsletter
from tests.sources.http import Site
from tests.web.running import RunningSite


@pytest.fixture
def pictures() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def site(database_url: str, engine: Engine, tmp_path: Path) -> Iterator[RunningSite]:
    del engine  # it makes the schema
    with RunningSite(database_url, images=tmp_path / "images") as running:
        yield running


def show(engine: Engine, *urls: str) -> None:
    """Articles, each with one of these pictures."""
    add_articles(engine, len(urls))
    with writing(engine) as connection:
        for number, url in enumerate(urls, 1):
            values = {"image_src": url, "image_alt": f"Picture {number}"}
            connection.execute(update(article).where(article.c.key == f"a{number}").values(values))


def build(site: RunningSite, press: publish.Press | None = None) -> tuple[publish.BuildReport, dict[str, Image]]:
    """The report, and each picture of the edition by its alt text."""
    add_newsletter(site.app.engine, template="weekly")
    [report] = publish.build_due(site.app.engine, press or site.app.press, now=NOW)
    assert report.edition_id is not None
    with reading(site.app.engine) as connection:
        edition = edition_store.get_edition(connection, report.edition_id)
    assert edition.status is EditionStatus.APPROVED
    images = [each.article.image for each in edition.candidates]
    return report, {image.alt: image for image in images if image}


def test_an_edition_refers_to_copies_that_the_site_gives_out(site: RunningSite, pictures: Site) -> None:
    pictures.give("/1", turned_photo())
    show(site.app.engine, f"{pictures.url}/1")
    report, images = build(site)
    image = images["Picture 1"]
    assert report.message == "1 articles"
    assert image.src == f"{pictures.url}/1"
    sizes = {}
    for url in (image.lead, image.row, image.card):
        answer = site.client.get(url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        sizes[url] = Pictures.open(io.BytesIO(answer.content)).size
    assert list(sizes.values()) == [(1200, 640), (272, 204), (520, 390)]
    view = publish.open_maker(site.app.engine, site.app.press, report.edition_id or 0).web_view()
    assert f'src="{image.lead}"' in view
    assert 'alt="Picture 1"' in view
    assert f"{pictures.url}/1" not in view


def test_the_same_bytes_can_be_made_again_when_the_pictures_are_gone(site: RunningSite, pictures: Site) -> None:
    pictures.give("/1", photo())
    show(site.app.engine, f"{pictures.url}/1")
    report, _ = build(site)
    first = publish.open_maker(site.app.engine, site.app.press, report.edition_id or 0).web_view()
    pictures.answers.clear()
    assert publish.open_maker(site.app.engine, site.app.press, report.edition_id or 0).web_view() == first
    assert pictures.asked == ["/1"]


def test_a_picture_that_fails_stays_at_its_address_with_a_reason(site: RunningSite, pictures: Site) -> None:
    pictures.give("/1", photo())
    pictures.give("/2", "<svg xmlns='http://www.w3.org/2000/svg'/>", Content_Type="image/svg+xml")
    pictures.give("/3", photo()[:2_000])
    pictures.give("/4", bomb(9_000, 9_000))
    show(site.app.engine, *[f"{pictures.url}/{number}" for number in range(1, 6)])
    report, images = build(site)
    assert [bool(images[f"Picture {number}"].lead) for number in range(1, 6)] == [True, False, False, False, False]
    first, *lines = report.message.split("\n")
    said = dict(line.removeprefix(f"the picture {pictures.url}").split(" stays where it is: it ") for line in lines)
    assert (first, said) == (
        "5 articles",
        {
            "/2": "is an SVG drawing",
            "/3": "cannot be read, or breaks off",
            "/4": "has more than 20,000,000 pixels: 9,000 by 9,000",
            "/5": "cannot be fetched: the server answered 404 Not Found",
        },
    )


def test_a_slow_server_holds_up_no_edition(site: RunningSite, pictures: Site, tmp_path: Path) -> None:
    is_built, waited = threading.Event(), list[bool]()

    def hold(handler: BaseHTTPRequestHandler) -> None:
        waited.append(is_built.wait(120))

    isolation.call(resized, photo(), dict(SIZES))  # the process that does it is there, then
    pictures.answers["/1"] = hold
    pictures.give("/2", photo())
    show(site.app.engine, f"{pictures.url}/1", f"{pictures.url}/2")
    press = site.app.press
    fetcher = Fetcher(allow_hosts=frozenset({"127.0.0.1"}), timeout_s=30)
    desk = ImageDesk(folder=tmp_path / "images", base_url=f"{site.url}/i/", fetcher=fetcher, timeout_s=6)
    _, images = build(site, publish.Press(template_folders=press.template_folders, links=press.links, images=desk))
    assert waited == [], "the server still holds its answer back when the edition stands"
    is_built.set()
    assert (images["Picture 1"].lead, bool(images["Picture 2"].lead)) == ("", True)


def test_a_folder_that_cannot_be_written_fails_no_build(site: RunningSite, pictures: Site, tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file stands where the folder should be")
    pictures.give("/1", photo())
    show(site.app.engine, f"{pictures.url}/1")
    report, images = build(site)
    assert images["Picture 1"].lead == ""
    assert "cannot be written" in report.message


def test_a_picture_on_a_private_network_is_not_fetched(site: RunningSite, pictures: Site, tmp_path: Path) -> None:
    pictures.give("/1", photo())
    show(site.app.engine, f"{pictures.url}/1")
    press = site.app.press
    desk = ImageDesk(folder=tmp_path / "images", base_url=f"{site.url}/i/", fetcher=Fetcher())
    _, images = build(site, publish.Press(template_folders=press.template_folders, links=press.links, images=desk))
    assert (images["Picture 1"].lead, pictures.asked) == ("", [])


def test_two_articles_with_one_picture_fetch_it_once(site: RunningSite, pictures: Site, tmp_path: Path) -> None:
    pictures.give("/1", photo())
    show(site.app.engine, f"{pictures.url}/1", f"{pictures.url}/1")
    _, images = build(site)
    assert (pictures.asked, images["Picture 1"].lead) == (["/1"], images["Picture 2"].lead)
    assert len(os.listdir(tmp_path / "images")) == 3


def test_a_sponsor_has_copies_too(site: RunningSite, pictures: Site) -> None:
    for path in ("/logo", "/wide"):
        pictures.give(path, photo())
    sponsor = Sponsor(
        name="Alder Credit Union",
        url="https://union.example",
        title="An account",
        logo=f"{pictures.url}/logo",
        image=f"{pictures.url}/wide",
    )
    add_articles(site.app.engine, 1)
    add_newsletter(site.app.engine, template="weekly", sponsors=(sponsor,))
    [report] = publish.build_due(site.app.engine, site.app.press, now=NOW)
    with reading(site.app.engine) as connection:
        shown = edition_store.get_edition(connection, report.edition_id or 0).sponsor
    assert shown is not None
    assert shown.key == sponsor.key
    sizes = [Pictures.open(io.BytesIO(site.client.get(url).content)).size for url in (shown.logo, shown.image)]
    assert sizes == [(112, 112), (992, 744)]
    assert pictures.url not in publish.open_maker(site.app.engine, site.app.press, report.edition_id or 0).web_view()


def test_a_sponsor_s_picture_that_fails_stays(site: RunningSite, pictures: Site) -> None:
    sponsor = Sponsor(name="A", url="https://union.example", title="An account", logo=f"{pictures.url}/gone")
    add_articles(site.app.engine, 1)
    add_newsletter(site.app.engine, template="weekly", sponsors=(sponsor,))
    [report] = publish.build_due(site.app.engine, site.app.press, now=NOW)
    with reading(site.app.engine) as connection:
        assert edition_store.get_edition(connection, report.edition_id or 0).sponsor == sponsor
    assert f"the picture {pictures.url}/gone stays where it is" in report.message


@pytest.mark.parametrize(
    "name", ["0" * 32 + ".jpg", "..%2Fdigest.toml", "%2e%2e", ".new-abc", "a.jpg", "0" * 32 + ".svg"]
)
def test_the_site_gives_out_nothing_else(name: str, site: RunningSite, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / ".new-abc").write_text("half")
    (tmp_path / "images" / "a.jpg").write_text("of somebody else")
    assert site.client.get(f"/i/{name}").status_code == 404


def test_without_a_folder_pictures_stay_where_they_are(database_url: str, engine: Engine, pictures: Site) -> None:
    pictures.give("/1", photo())
    with RunningSite(database_url) as site:
        show(engine, *[f"{pictures.url}/1"] * 4)
        _, images = build(site)
    assert (images["Picture 1"].lead, pictures.asked) == ("", [])
