"""A Ghost database, 5 or 6, MySQL or SQLite -> Articles as its site shows them, and its members -> readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, FromClause, and_, column, exists, func, or_, select, table, true

from digest import isolation
from digest.errors import SourceMalformed
from digest.model.article import Article
from digest.model.registration import Registration
from digest.model.source import Collected, Cursor
from digest.sources import database
from digest.sources.ghost_posts import Options, read
from digest.sources.instants import instant_of
from digest.sources.readers import names_of

if TYPE_CHECKING:
    from digest.sources.fetch import Fetcher

__all__ = ["Options", "pages", "readers"]


def pages(options: Options, cursor: Cursor, *, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
    """Published posts that have a web page, those edited since among them, in the order in which they changed."""
    del fetcher
    with database.opened(options.url) as connection:
        site = _read_site(connection, options)
        posts, meta = site.posts, site.meta
        published = database.comparable(connection, posts.c.published_at)
        changed = func.coalesce(database.comparable(connection, posts.c.updated_at), published)
        query = (
            select()
            .select_from(posts.outerjoin(meta, meta.c.post_id == posts.c.id))
            .where(
                posts.c.type == "post",
                posts.c.status == "published",
                posts.c.visibility.in_(names_of(options.visibility)),
                posts.c.published_at.is_not(None),
                published <= database.bound(connection, now),
                or_(meta.c.email_only.is_(None), meta.c.email_only == 0) if "email_only" in meta.c else true(),
            )
        )
        start = database.start_of(
            cursor,
            now=now,
            overlap=timedelta(minutes=options.overlap_minutes),
            again=timedelta(days=options.comment_days),
        )
        at = database.latest(connection, published, changed)
        found = database.windows(connection, query, at, posts.c.id, start=start, until=now)
        yield from database.collected(found, lambda ids: _articles(connection, options, site, ids), cursor)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """Tables with the columns that this version of Ghost has."""

    posts: FromClause
    meta: FromClause
    locale: str
    has_comments: bool


def _read_site(connection: Connection, options: Options) -> _Site:
    del options
    there, meta = database.columns_of(connection, "posts"), database.columns_of(connection, "posts_meta")
    if not {"slug", "visibility", "published_at"} <= there or "post_id" not in meta:
        raise SourceMalformed("there are no tables posts and posts_meta as Ghost has them; check the url of the source")
    settings = table("settings", column("key"), column("value"))
    locale = connection.execute(select(settings.c.value).where(settings.c.key == "locale")).scalar()
    return _Site(
        posts=table("posts", *map(column, sorted(there))),
        meta=table("posts_meta", *map(column, sorted(meta))),
        locale=str(locale or ""),
        has_comments=bool(database.columns_of(connection, "comments")),
    )


def _articles(
    connection: Connection, options: Options, site: _Site, ids: Sequence[str]
) -> tuple[list[Article], list[str]]:
    wanted = (
        "id",
        "title",
        "slug",
        "html",
        "plaintext",
        "custom_excerpt",
        "feature_image",
        "locale",
        "canonical_url",
        "visibility",
    )
    added = ("auto_excerpt", "reading_time")  # of Ghost 6
    posts, meta = site.posts, site.meta
    columns = [posts.c[name] for name in (*wanted, *added, "published_at") if name in posts.c]
    columns += [meta.c[name] for name in ("feature_image_alt",) if name in meta.c]
    query = select(*columns).select_from(posts.outerjoin(meta, meta.c.post_id == posts.c.id))
    by_id = {row["id"]: row for row in connection.execute(query.where(posts.c.id.in_(ids))).mappings()}
    authors, tags = _authors(connection, ids), _tags(connection, ids)
    counts, comments = _comments(connection, options, site, ids)
    jobs = [
        (
            {name: database.plain(value) for name, value in by_id[id_].items()},
            [*map(database.plain_row, authors.get(id_, ()))],
            [*map(database.plain_row, tags.get(id_, ()))],
            counts.get(id_, 0) if site.has_comments else None,
            [*map(database.plain_row, comments.get(id_, ()))],
        )
        for id_ in ids
        if id_ in by_id  # the others were taken back since
    ]
    found = isolation.each(read, jobs, options=options, locale=site.locale)
    return database.parted(zip((f"post {job[0]['id']}" for job in jobs), found, strict=True))


def _authors(connection: Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    ties = table("posts_authors", *map(column, ("post_id", "author_id", "sort_order")))
    users = table("users", *map(column, ("id", "name", "slug")))
    query = select(ties.c.post_id.label("of"), users.c.name, users.c.slug)
    query = query.join_from(ties, users, users.c.id == ties.c.author_id).where(ties.c.post_id.in_(ids))
    return database.grouped(connection.execute(query.order_by(ties.c.post_id, ties.c.sort_order)))


def _tags(connection: Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    """Those that the site shows: internal ones begin with #."""
    ties = table("posts_tags", *map(column, ("post_id", "tag_id", "sort_order")))
    tags = table("tags", *map(column, ("id", "name", "slug", "visibility")))
    query = (
        select(ties.c.post_id.label("of"), tags.c.name, tags.c.slug)
        .join_from(ties, tags, tags.c.id == ties.c.tag_id)
        .where(ties.c.post_id.in_(ids), tags.c.visibility == "public", tags.c.name.not_like("#%"))
        .order_by(ties.c.post_id, ties.c.sort_order)
    )
    return database.grouped(connection.execute(query))


def _comments(
    connection: Connection, options: Options, site: _Site, ids: Sequence[str]
) -> tuple[dict[str, int], dict[str, list[Any]]]:
    if not site.has_comments:
        return {}, {}
    rows = table("comments", *map(column, ("id", "post_id", "member_id", "status", "html", "created_at")))
    members = table("members", *map(column, ("id", "name")))
    shown = and_(rows.c.post_id.in_(ids), rows.c.status == "published")
    counted = select(rows.c.post_id, func.count()).where(shown).group_by(rows.c.post_id)
    counts = {row[0]: row[1] for row in connection.execute(counted)}
    if options.comments <= 0 or not database.has_windows(connection):
        return counts, {}
    at = database.comparable(connection, rows.c.created_at)
    place = func.row_number().over(partition_by=rows.c.post_id, order_by=(at.desc(), rows.c.id.desc()))
    numbered = (
        select(rows.c.post_id.label("of"), rows.c.html, members.c.name, place.label("place"))
        .join_from(rows, members, members.c.id == rows.c.member_id, isouter=True)
        .where(shown)
        .subquery()
    )
    query = select(numbered).where(numbered.c.place <= options.comments).order_by(numbered.c.of, numbered.c.place)
    return counts, database.grouped(connection.execute(query))


# --- readers ---------------------------------------------------------------------------------------------------------


def readers(options: Options, *, now: datetime) -> Iterator[list[Registration]]:
    """Members by their id. Who takes none of the newsletters, or whose mail came back, is named as wanting none."""
    del now
    with database.opened(options.url) as connection:
        there = database.columns_of(connection, "members")
        if "email" not in there or not database.columns_of(connection, "members_newsletters"):
            raise SourceMalformed("there are no tables members and members_newsletters as Ghost has them")
        lists = _lists(connection, options)
        after = ""
        while part := _members(connection, there, lists, after):
            yield _registrations(connection, lists, part)
            after = part[-1]["id"]


def _lists(connection: Connection, options: Options) -> list[str]:
    rows = table("newsletters", *map(column, ("id", "slug", "status")))
    found = {row.slug: row for row in connection.execute(select(rows))}
    wanted = names_of(options.lists)
    missing = [slug for slug in wanted if slug not in found]
    if missing:
        raise SourceMalformed(f"lists: Ghost has no newsletter {missing[0]!r}; it has: {', '.join(sorted(found))}")
    return [row.id for slug, row in found.items() if slug in wanted or (not wanted and row.status == "active")]


def _members(connection: Connection, there: set[str], lists: Sequence[str], after: str) -> Sequence[Any]:
    names = [name for name in ("id", "email", "name", "status", "created_at", "email_disabled") if name in there]
    rows = table("members", *map(column, names))
    ties = table("members_newsletters", *map(column, ("member_id", "newsletter_id")))
    takes = exists().where(ties.c.member_id == rows.c.id, ties.c.newsletter_id.in_(lists))
    query = select(rows, takes.label("takes")).where(rows.c.id > after).order_by(rows.c.id).limit(database.PEOPLE)
    return connection.execute(query).mappings().all()


def _registrations(connection: Connection, lists: Sequence[str], members: Sequence[Any]) -> list[Registration]:
    ids = [row["id"] for row in members]
    consents, labels = _consents(connection, lists, ids), _labels(connection, ids)
    found = []
    for row in members:
        consent = consents.get(row["id"])
        own = {"plan": row.get("status"), "labels": ", ".join(each.name for each in labels.get(row["id"], ()))}
        found.append(
            Registration(
                key=str(row["id"]),
                address=str(row["email"]),
                wants=bool(row["takes"]) and not row.get("email_disabled"),
                name=str(row["name"] or ""),
                consent_at=instant_of(consent.created_at if consent else row["created_at"]),
                consent_origin=f"member of the site, {consent.source}" if consent else "member of the site",
                attributes={key: value for key, value in own.items() if value},
            )
        )
    return found


def _consents(connection: Connection, lists: Sequence[str], ids: Sequence[str]) -> dict[str, Any]:
    """The last time that each of them said yes."""
    if not {"newsletter_id", "source"} <= database.columns_of(connection, "members_subscribe_events"):
        return {}
    names = ("id", "member_id", "subscribed", "created_at", "source", "newsletter_id")
    rows = table("members_subscribe_events", *map(column, names))
    query = (
        select(rows.c.member_id, rows.c.created_at, rows.c.source)
        .where(
            rows.c.member_id.in_(ids),
            rows.c.subscribed == 1,
            or_(rows.c.newsletter_id.is_(None), rows.c.newsletter_id.in_(lists)),
        )
        .order_by(database.comparable(connection, rows.c.created_at), rows.c.id)
    )
    return {row.member_id: row for row in connection.execute(query)}


def _labels(connection: Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    if not database.columns_of(connection, "members_labels"):
        return {}
    ties = table("members_labels", *map(column, ("member_id", "label_id", "sort_order")))
    labels = table("labels", *map(column, ("id", "name")))
    query = select(ties.c.member_id.label("of"), labels.c.name)
    query = query.join_from(ties, labels, labels.c.id == ties.c.label_id).where(ties.c.member_id.in_(ids))
    return database.grouped(connection.execute(query.order_by(ties.c.member_id, ties.c.sort_order)))
