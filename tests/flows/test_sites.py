"""From a site's database into ours: each article once, readers too, by the kinds that know the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, select

from digest.db.engine import reading, writing
from digest.db.tables import article, subscriber
from digest.flows.collect import CollectReport, collect_sources
from digest.flows.syncing import sync_readers
from digest.sources.fetch import Fetcher
from digest.sources.store.sources import add_source, get_source
from tests.mariadb import MysqlSite
from tests.site import NOW, add_newsletter
from tests.sources.ghost_site import Ghost
from tests.sources.wordpress_site import WordPress


def add(engine: Engine, kind: str, **options: Any) -> None:
    with writing(engine) as connection:
        add_source(connection, "site", kind, options, now=NOW)


def collect(engine: Engine) -> CollectReport:
    (report,) = collect_sources(engine, Fetcher(), now=NOW)
    assert not report.error
    return report


def titles(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(article.c.title).order_by(article.c.id)).scalars())


def test_each_post_of_wordpress_is_there_once_and_an_edit_changes_it(engine: Engine, mysql_site: MysqlSite) -> None:
    site = WordPress(mysql_site.engine, mysql_site.url)
    add(engine, "wordpress", url=site.url)
    first = site.post("First")
    site.post("Second")
    assert collect(engine).stored.new == 2
    again = collect(engine)
    assert (again.stored.new, again.stored.changed, again.stored.unchanged) == (0, 0, 2)
    site.change("posts", f"ID = {first}", post_title="First, mended", post_name="mended")
    site.comment(first, "Mira", "Yes!")
    assert collect(engine).stored.changed == 1
    assert titles(engine) == ["First, mended", "Second"]
    with reading(engine) as connection:
        row = connection.execute(select(article).order_by(article.c.id)).first()
    assert row is not None
    assert (row.url, row.comment_count) == ("https://harbourpost.example/2026/11/mended/", 1)


def test_a_site_that_fails_keeps_its_error_without_the_password(engine: Engine, mysql_site: MysqlSite) -> None:
    WordPress(mysql_site.engine, mysql_site.url)
    add(engine, "wordpress", url=mysql_site.url, prefix="blog_")
    (report,) = collect_sources(engine, Fetcher(), now=NOW)
    assert "there is no table blog_posts; there are tables with prefix wp_" in report.error
    with reading(engine) as connection:
        assert MysqlSite.PASSWORD not in get_source(connection, "site").last_error


def test_users_of_wordpress_become_readers(engine: Engine, mysql_site: MysqlSite) -> None:
    site = WordPress(mysql_site.engine, mysql_site.url)
    add_newsletter(engine)
    add(engine, "wordpress", url=site.url, attributes="city")
    for name in ("Mira Lund", "Tom Oak", "Ida Moe"):
        site.user(name, roles="subscriber", city="Bergen", locale="de_DE_formal")
    assert sync_readers(engine, "site", "harbour", now=NOW).joined == 3
    assert sync_readers(engine, "site", "harbour", now=NOW).changes == 0
    site.change("users", "display_name = 'Tom Oak'", display_name="Tom A. Oak")
    site.change("usermeta", "meta_key = 'wp_capabilities' AND user_id = 3", meta_value="a:0:{}")
    report = sync_readers(engine, "site", "harbour", now=NOW)
    assert (report.changed, report.gone) == (1, 1)
    with reading(engine) as connection:
        found = {row.address: row for row in connection.execute(select(subscriber))}
    assert found["tom.oak@example.org"].name == "Tom A. Oak"
    assert found["mira.lund@example.org"].attributes == {"city": "Bergen"}


def test_members_of_ghost_become_readers_and_who_is_off_the_list_leaves(engine: Engine, tmp_path: Path) -> None:
    file = create_engine(f"sqlite:///{tmp_path / 'ghost.db'}")
    site = Ghost(file, f"sqlite:///{tmp_path / 'ghost.db'}", version=6)
    add_newsletter(engine)
    add(engine, "ghost", url=site.url, home="https://harbourpost.example")
    weekly = site.list("weekly")
    site.member("Mira", weekly)
    tom = site.member("Tom", weekly)
    site.member("Ida")
    site.post("One")
    assert collect(engine).stored.new == 1
    assert collect(engine).stored.unchanged == 1
    assert sync_readers(engine, "site", "harbour", now=NOW).joined == 2
    site.change("members", tom, email_disabled=1)
    report = sync_readers(engine, "site", "harbour", now=NOW)
    assert (report.left, report.gone, report.seen) == (1, 0, 3)
    assert sync_readers(engine, "site", "harbour", now=NOW).changes == 0
    file.dispose()
