"""A WordPress database -> Articles with their permalinks, pictures, topics and comments, and its users -> readers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, FromClause, and_, case, column, func, literal_column, or_, select, table

from digest import isolation
from digest.errors import SourceMalformed
from digest.model.article import Article
from digest.model.registration import Registration
from digest.model.source import Collected, Cursor
from digest.sources import database
from digest.sources import wordpress_plugins as plugins
from digest.sources.dedupe import is_web_url
from digest.sources.instants import instant_of
from digest.sources.language import language_code
from digest.sources.readers import names_of
from digest.sources.wordpress_posts import META, Beside, Options, Site, read, row_id, uploads, zone_of
from digest.sources.wordpress_rules import language_urls_of

if TYPE_CHECKING:
    from digest.sources.fetch import Fetcher

__all__ = ["Options", "pages", "readers"]

_A_DATE = datetime(1000, 1, 1)  # noqa: DTZ001  0000-00-00 is before it, and no server refuses it as a value

_IMAGE_META = ("_wp_attached_file", "_wp_attachment_image_alt")
_OPTIONS = (
    *("home", "siteurl", "permalink_structure", "upload_path", "upload_url_path", "timezone_string", "gmt_offset"),
    *("WPLANG", "default_category", *plugins.OPTIONS),
)


def pages(options: Options, cursor: Cursor, *, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
    """Published posts, those edited since among them, in the order in which they appeared or were changed."""
    del fetcher
    with database.opened(options.url, hint=options.hint) as connection:
        _look(connection, options)
        site, known = _read_site(connection, options)
        posts = _table(options.site_prefix, "posts", *_POST)
        at = database.latest(connection, _published(posts, site, now), posts.c.post_modified_gmt)
        query = select().where(
            posts.c.post_type.in_(names_of(options.post_types)),
            posts.c.post_status == "publish",
            posts.c.post_password == "",
        )
        start = database.start_of(
            cursor,
            now=now,
            overlap=timedelta(minutes=options.overlap_minutes),
            again=timedelta(days=options.comment_days),
        )
        found = database.windows(connection, query, at, posts.c.ID, start=start, until=now)
        yield from database.collected(found, lambda ids: _articles(connection, options, site, known, ids, now), cursor)


def _look(connection: Connection, options: Options) -> None:
    name = f"{options.site_prefix}posts"
    if database.columns_of(connection, name):
        return
    others = [each.removesuffix("posts") for each in database.tables_like(connection, "_posts")]
    there = f"there are tables with prefix {', '.join(others[:5])}" if others else "is it a WordPress database?"
    raise SourceMalformed(f"there is no table {name}; {there}; {options.hint}")


def _table(prefix: str, name: str, *columns: str) -> FromClause:
    return table(f"{prefix}{name}", *map(column, columns))


_POST = (
    *("ID", "post_author", "post_date", "post_date_gmt", "post_content", "post_title", "post_excerpt", "post_status"),
    *("post_password", "post_name", "post_modified_gmt", "post_type"),
)


# --- the site --------------------------------------------------------------------------------------------------------


def _read_site(connection: Connection, options: Options) -> tuple[Site, plugins.Known]:
    rows = _table(options.site_prefix, "options", "option_name", "option_value")
    wanted = select(rows).where(rows.c.option_name.in_(_OPTIONS))
    said = {row.option_name: str(row.option_value or "").strip() for row in connection.execute(wanted)}
    home = (options.home or said.get("home", "")).rstrip("/")
    if not is_web_url(home):
        raise SourceMalformed(f"the site's address {home!r} is no web address; set home of the source")
    language = said.get("WPLANG")
    site = Site(
        home=home,
        uploads=uploads(said, home, options.site),
        structure=said.get("permalink_structure", ""),
        zone=zone_of(said),
        language="" if language is None else language_code(language or "en"),
        default_category=row_id(said.get("default_category", "")) or 0,
        parents=_categories(connection, options),
        language_urls=language_urls_of(said),
    )
    return site, plugins.known_of(connection, options, said)


def _categories(connection: Connection, options: Options) -> dict[int, tuple[str, int]]:
    terms = _table(options.site_prefix, "terms", "term_id", "slug")
    of = _table(options.site_prefix, "term_taxonomy", "term_id", "taxonomy", "parent")
    rows = select(terms.c.term_id, terms.c.slug, of.c.parent).join_from(of, terms, terms.c.term_id == of.c.term_id)
    return {row.term_id: (row.slug, row.parent) for row in connection.execute(rows.where(of.c.taxonomy == "category"))}


# --- posts -----------------------------------------------------------------------------------------------------------


def _published(posts: FromClause, site: Site, now: datetime) -> Any:
    """UTC. Imported posts may have no UTC date: then the site's own clock has to do."""
    offset = now.astimezone(site.zone).utcoffset() or timedelta()
    own = func.timestampadd(literal_column("MINUTE"), -int(offset.total_seconds() // 60), posts.c.post_date)
    return case((posts.c.post_date_gmt > _A_DATE, posts.c.post_date_gmt), else_=own)


def _articles(
    connection: Connection, options: Options, site: Site, known: plugins.Known, ids: Sequence[int], now: datetime
) -> tuple[list[Article], list[str]]:
    posts = _table(options.site_prefix, "posts", *_POST)
    users = _table(options.prefix, "users", "ID", "display_name", "user_nicename")
    rows = connection.execute(
        select(posts, users.c.display_name, users.c.user_nicename)
        .join_from(posts, users, posts.c.post_author == users.c.ID, isouter=True)
        .where(posts.c.ID.in_(ids))
    )
    by_id = {row.ID: row for row in rows}
    meta = plugins.meta_of(connection, options, ids, META)
    pictures = [number for each in meta.values() if (number := row_id(each.get("_thumbnail_id", "")))]
    alts = plugins.meta_of(connection, options, pictures, _IMAGE_META)
    terms, comments = _terms(connection, options, ids), _comments(connection, options, ids)
    counts = _counts(connection, options, ids)
    asked = plugins.asked(connection, options, known, list(by_id.values()), terms, meta)
    jobs = [
        (
            database.plain_row(by_id[id_]),
            Beside(
                meta=meta.get(id_, {}),
                picture=alts.get(row_id(meta.get(id_, {}).get("_thumbnail_id", "")) or 0, {}),
                terms=[*map(database.plain_row, terms.get(id_, ()))],
                count=counts.get(id_, 0),
                comments=[*map(database.plain_row, comments.get(id_, ()))],
                **asked[id_],
            ),
        )
        for id_ in ids
        if id_ in by_id  # the others were taken back since
    ]
    found = isolation.each(read, jobs, options=options, site=site)
    articles, refused = database.parted(zip((f"post {row.ID}" for row, _ in jobs), found, strict=True))
    return [each for each in articles if each.published_at <= now], refused


def _terms(connection: Connection, options: Options, ids: Sequence[int]) -> dict[int, list[Any]]:
    """Categories and tags, each in its order; plugins keep a post's language and its authors as such terms too."""
    prefix = options.site_prefix
    ties = _table(prefix, "term_relationships", "object_id", "term_taxonomy_id", "term_order")
    of = _table(prefix, "term_taxonomy", "term_taxonomy_id", "term_id", "taxonomy")
    terms = _table(prefix, "terms", "term_id", "name", "slug")
    query = (
        select(ties.c.object_id.label("of"), of.c.taxonomy, terms)
        .join_from(ties, of, of.c.term_taxonomy_id == ties.c.term_taxonomy_id)
        .join(terms, terms.c.term_id == of.c.term_id)
        .where(ties.c.object_id.in_(ids), of.c.taxonomy.in_(("category", "post_tag", "language", "author")))
        .order_by(ties.c.object_id, of.c.taxonomy, ties.c.term_order, terms.c.term_id)
    )
    return database.grouped(connection.execute(query))


def _approved(options: Options, ids: Sequence[int]) -> tuple[FromClause, Any]:
    rows = _table(
        options.site_prefix,
        "comments",
        *("comment_ID", "comment_post_ID", "comment_author", "comment_date_gmt", "comment_content"),
        *("comment_approved", "comment_type"),
    )
    return rows, and_(
        rows.c.comment_post_ID.in_(ids), rows.c.comment_approved == "1", rows.c.comment_type.in_(("comment", ""))
    )


def _counts(connection: Connection, options: Options, ids: Sequence[int]) -> dict[int, int]:
    """Counted here: WordPress's own count holds pingbacks too."""
    rows, approved = _approved(options, ids)
    query = select(rows.c.comment_post_ID, func.count()).where(approved).group_by(rows.c.comment_post_ID)
    return {row[0]: row[1] for row in connection.execute(query)}


def _comments(connection: Connection, options: Options, ids: Sequence[int]) -> dict[int, list[Any]]:
    if options.comments <= 0 or not database.has_windows(connection):
        return {}
    rows, approved = _approved(options, ids)
    newest_first = rows.c.comment_date_gmt.desc(), rows.c.comment_ID.desc()
    place = func.row_number().over(partition_by=rows.c.comment_post_ID, order_by=newest_first)
    numbered = select(
        rows.c.comment_post_ID.label("of"),
        *(rows.c[name] for name in ("comment_ID", "comment_author", "comment_content")),
        place.label("place"),
    )
    numbered_rows = numbered.where(approved).subquery()
    query = select(numbered_rows).where(numbered_rows.c.place <= options.comments)
    return database.grouped(connection.execute(query.order_by(numbered_rows.c.of, numbered_rows.c.place)))


# --- readers ---------------------------------------------------------------------------------------------------------


def readers(options: Options, *, now: datetime) -> Iterator[list[Registration]]:
    """Users of the site in one of the roles, by their number."""
    del now
    with database.opened(options.url, hint=options.hint) as connection:
        _look(connection, options)
        after = 0
        while part := _users(connection, options, after):
            yield _registrations(connection, options, part)
            after = part[-1].ID


def _users(connection: Connection, options: Options, after: int) -> Sequence[Any]:
    names = ("ID", "user_email", "display_name", "user_registered")
    junk = [name for name in ("spam", "deleted") if name in database.columns_of(connection, f"{options.prefix}users")]
    users = _table(options.prefix, "users", *names, *junk)
    number = users.c.ID
    meta = _table(options.prefix, "usermeta", "user_id", "meta_key", "meta_value")
    is_one = or_(*(meta.c.meta_value.contains(f'"{role}"', autoescape=True) for role in names_of(options.roles)))
    query = (
        select(*(users.c[name] for name in names))
        .where(
            number > after,
            number.in_(select(meta.c.user_id).where(meta.c.meta_key == f"{options.site_prefix}capabilities", is_one)),
            *(users.c[name] == 0 for name in junk),
        )
        .order_by(number)
        .limit(database.PEOPLE)
    )
    return connection.execute(query).all()


def _registrations(connection: Connection, options: Options, users: Sequence[Any]) -> list[Registration]:
    own = names_of(options.attributes)
    meta = _table(options.prefix, "usermeta", "umeta_id", "user_id", "meta_key", "meta_value")
    keys = ["locale", *([options.consent_meta] if options.consent_meta else []), *own]
    said: dict[int, dict[str, str]] = {}
    query = select(meta).where(meta.c.user_id.in_([user.ID for user in users]), meta.c.meta_key.in_(keys))
    for row in connection.execute(query.order_by(meta.c.umeta_id)):
        said.setdefault(row.user_id, {})[row.meta_key] = str(row.meta_value or "")
    return [_registration(user, said.get(user.ID, {}), own, options) for user in users]


def _registration(user: Any, said: Mapping[str, str], own: Sequence[str], options: Options) -> Registration:
    wording = said.get(options.consent_meta, "").strip() if options.consent_meta else ""
    return Registration(
        key=str(user.ID),
        address=str(user.user_email),
        wants=not options.consent_meta or wording.lower() not in ("", "0", "no", "off", "false", "a:0:{}"),
        name=str(user.display_name or ""),
        language=said.get("locale", "").replace("_", "-"),
        consent=f"{options.consent_meta}: {wording}" if wording else "",
        consent_at=instant_of(user.user_registered),
        consent_origin=f"user of {options.site_prefix.rstrip('_')}",
        attributes={key: said[key] for key in own if said.get(key)},
    )
