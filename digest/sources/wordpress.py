"""A WordPress database -> Articles with their permalinks, pictures, topics and comments, and its users -> readers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import Connection, FromClause, and_, case, column, func, literal_column, or_, select, table

from digest.errors import SourceMalformed
from digest.model.article import Article, Comment, Image
from digest.model.registration import Registration
from digest.model.source import Collected, Cursor
from digest.sources import body, clean, database, shortcodes
from digest.sources.dedupe import is_web_url
from digest.sources.fetch import Fetcher
from digest.sources.readers import ReaderOptions, names_of

_A_DATE = datetime(1000, 1, 1)  # noqa: DTZ001  0000-00-00 is before it, and no server refuses it as a value

_TAG = re.compile(r"%([a-z_]+)%")
_CANONICAL = ("_yoast_wpseo_canonical", "rank_math_canonical_url")
_PRIMARY = ("_yoast_wpseo_primary_category", "rank_math_primary_category")
_META = ("_thumbnail_id", *_CANONICAL, *_PRIMARY)
_IMAGE_META = ("_wp_attached_file", "_wp_attachment_image_alt")
_OPTIONS = (
    *("home", "siteurl", "permalink_structure", "upload_path", "upload_url_path", "timezone_string", "gmt_offset"),
    *("WPLANG", "default_category"),
)
_UNCATEGORIZED = {
    *(
        "uncategorized",
        "uncategorised",
        "allgemein",
        "unkategorisiert",
        "nicht kategorisiert",
        "non classé",
        "sin categoría",
    ),
    *(
        "senza categoria",
        "sem categoria",
        "geen categorie",
        "bez kategorii",
        "без рубрики",
        "未分類",
        "未分类",
        "미분류",
    ),
    *("ukategoriseret", "ukategorisert", "okategoriserade", "nezařazené", "fără categorie", "genel", "yleinen"),
}
"""What WordPress calls the default category, which stands for none, in its languages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ReaderOptions):
    """A WordPress database, read with an account that may only read.

    url               SQLAlchemy URL: mysql://reader:PASSWORD@db.example.org/wordpress
    prefix            of its tables, as wp-config.php says
    site              of a network (multisite): the number of the site; readers are those of that site
    home              address of the site, where wp-config.php gives another one than the database (WP_HOME)
    post_types        comma-separated
    topics            added to every article, comma-separated
    comments          how many of the newest are kept of each article
    comment_days      how long after its publication an article is read again for its comments
    overlap_minutes   how far before the cursor each reading starts: posts may appear with an earlier date
    roles             users of these roles are readers
    consent_meta      only users in whose profile (usermeta) this key says something, and that is the wording
    attributes        keys of usermeta that are kept of a reader, comma-separated
    """

    url: str
    prefix: str = "wp_"
    site: int = 1
    home: str = ""
    post_types: str = "post"
    topics: str = ""
    comments: int = 3
    comment_days: int = 8
    overlap_minutes: int = 60
    roles: str = "subscriber"
    consent_meta: str = ""
    attributes: str = ""

    def __post_init__(self) -> None:
        self.check_readers()
        if not re.fullmatch(r"[A-Za-z0-9_$-]*", self.prefix):
            raise ValueError(f"prefix: {self.prefix!r} is none; it is $table_prefix in wp-config.php")
        if self.site < 1:
            raise ValueError("site: the first site of a network is 1")
        if self.home and not is_web_url(self.home):
            raise ValueError("home: write https://example.org")
        if not names_of(self.post_types):
            raise ValueError("post_types: name at least one; the usual one is post")

    @property
    def site_prefix(self) -> str:
        """Of the site's own tables; users and what belongs to them are of the whole network."""
        return self.prefix if self.site == 1 else f"{self.prefix}{self.site}_"

    @property
    def hint(self) -> str:
        return "check prefix and site of the source"


def pages(options: Options, cursor: Cursor, *, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
    """Published posts, those edited since among them, in the order in which they appeared or were changed."""
    del fetcher
    with database.opened(options.url, hint=options.hint) as connection:
        _look(connection, options)
        site = _read_site(connection, options)
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
        yield from database.collected(found, lambda ids: _articles(connection, options, site, ids, now), cursor)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    home: str
    uploads: str
    structure: str
    zone: tzinfo
    language: str
    default_category: int
    parents: Mapping[int, tuple[str, int]]  # categories: term id -> slug, parent's term id


def _read_site(connection: Connection, options: Options) -> _Site:
    rows = _table(options.site_prefix, "options", "option_name", "option_value")
    wanted = select(rows).where(rows.c.option_name.in_(_OPTIONS))
    said = {row.option_name: str(row.option_value or "").strip() for row in connection.execute(wanted)}
    home = (options.home or said.get("home", "")).rstrip("/")
    if not is_web_url(home):
        raise SourceMalformed(f"the site's address {home!r} is no web address; set home of the source")
    language = said.get("WPLANG")
    return _Site(
        home=home,
        uploads=_uploads(said, home, options.site),
        structure=said.get("permalink_structure", ""),
        zone=_zone(said),
        language="" if language is None else (language or "en").replace("_", "-").lower()[:12],
        default_category=int(said.get("default_category", "") or 0),
        parents=_categories(connection, options),
    )


def _uploads(said: Mapping[str, str], home: str, site: int) -> str:
    """Where pictures are: their own address, else the folder under that of WordPress, which may differ from the site's."""
    root = said.get("siteurl", "").rstrip("/") or home
    if (stored := said.get("home", "").rstrip("/")) and root.startswith(stored):
        root = home + root[len(stored) :]
    path = said.get("upload_path", "").strip("/")
    own = said.get("upload_url_path", "").rstrip("/")
    if own:
        base = f"https:{own}" if own.startswith("//") else own
    elif path and not path.endswith("wp-content/uploads") and not said.get("upload_path", "").startswith("/"):
        base = f"{root}/{path}"
    else:
        base = f"{root}/wp-content/uploads"
    return base if site == 1 or own or path else f"{base}/sites/{site}"


def _zone(said: Mapping[str, str]) -> tzinfo:
    if (name := said.get("timezone_string", "")) in available_timezones():
        return ZoneInfo(name)
    try:
        return timezone(timedelta(hours=float(said.get("gmt_offset") or 0)))
    except ValueError:
        return UTC


def _categories(connection: Connection, options: Options) -> dict[int, tuple[str, int]]:
    terms = _table(options.site_prefix, "terms", "term_id", "slug")
    of = _table(options.site_prefix, "term_taxonomy", "term_id", "taxonomy", "parent")
    rows = select(terms.c.term_id, terms.c.slug, of.c.parent).join_from(of, terms, terms.c.term_id == of.c.term_id)
    return {row.term_id: (row.slug, row.parent) for row in connection.execute(rows.where(of.c.taxonomy == "category"))}


# --- posts -----------------------------------------------------------------------------------------------------------


def _published(posts: FromClause, site: _Site, now: datetime) -> Any:
    """UTC. Imported posts may have no UTC date: then the site's own clock has to do."""
    offset = now.astimezone(site.zone).utcoffset() or timedelta()
    own = func.timestampadd(literal_column("MINUTE"), -int(offset.total_seconds() // 60), posts.c.post_date)
    return case((posts.c.post_date_gmt > _A_DATE, posts.c.post_date_gmt), else_=own)


def _articles(
    connection: Connection, options: Options, site: _Site, ids: Sequence[int], now: datetime
) -> tuple[list[Article], list[str]]:
    posts = _table(options.site_prefix, "posts", *_POST)
    users = _table(options.prefix, "users", "ID", "display_name", "user_nicename")
    rows = connection.execute(
        select(posts, users.c.display_name, users.c.user_nicename)
        .join_from(posts, users, posts.c.post_author == users.c.ID, isouter=True)
        .where(posts.c.ID.in_(ids))
    )
    by_id = {row.ID: row for row in rows}
    meta = _meta(connection, options, ids, _META)
    pictures = [int(each["_thumbnail_id"]) for each in meta.values() if each.get("_thumbnail_id", "").isdigit()]
    beside = _Beside(
        meta=meta,
        pictures=_meta(connection, options, pictures, _IMAGE_META),
        terms=_terms(connection, options, ids),
        counts=_counts(connection, options, ids),
        comments=_comments(connection, options, ids),
    )
    articles: list[Article] = []
    refused: list[str] = []
    for id_ in ids:
        if (row := by_id.get(id_)) is None:  # taken back since
            continue
        try:
            article = _article(row, options, site, beside)
        except ValueError as cause:
            refused.append(f"post {id_}: {cause}")
            continue
        if article.published_at <= now:
            articles.append(article)
    return articles, refused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What other tables say of a page of posts, by post (pictures: by attachment)."""

    meta: Mapping[int, Mapping[str, str]]
    pictures: Mapping[int, Mapping[str, str]]
    terms: Mapping[int, Sequence[Any]]
    counts: Mapping[int, int]
    comments: Mapping[int, Sequence[Any]]


def _meta(
    connection: Connection, options: Options, ids: Sequence[int], keys: Sequence[str]
) -> dict[int, dict[str, str]]:
    if not ids:
        return {}
    rows = _table(options.site_prefix, "postmeta", "meta_id", "post_id", "meta_key", "meta_value")
    query = select(rows).where(rows.c.post_id.in_(ids), rows.c.meta_key.in_(keys)).order_by(rows.c.meta_id)
    found: dict[int, dict[str, str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.post_id, {}).setdefault(row.meta_key, str(row.meta_value or "").strip())
    return found


def _terms(connection: Connection, options: Options, ids: Sequence[int]) -> dict[int, list[Any]]:
    """Categories first, then tags, each in its order; Polylang keeps a post's language as such a term too."""
    prefix = options.site_prefix
    ties = _table(prefix, "term_relationships", "object_id", "term_taxonomy_id", "term_order")
    of = _table(prefix, "term_taxonomy", "term_taxonomy_id", "term_id", "taxonomy")
    terms = _table(prefix, "terms", "term_id", "name", "slug")
    query = (
        select(ties.c.object_id.label("of"), of.c.taxonomy, terms)
        .join_from(ties, of, of.c.term_taxonomy_id == ties.c.term_taxonomy_id)
        .join(terms, terms.c.term_id == of.c.term_id)
        .where(ties.c.object_id.in_(ids), of.c.taxonomy.in_(("category", "post_tag", "language")))
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


def _article(row: Any, options: Options, site: _Site, beside: _Beside) -> Article:
    meta, terms = beside.meta.get(row.ID, {}), beside.terms.get(row.ID, ())
    published_at = _instant(row, site)
    if published_at is None:
        raise ValueError("has no date")
    content = str(row.post_content or "")
    summary = body.teaser(content, str(row.post_excerpt or ""))
    title = clean.title(str(row.post_title or "")) or clean.summary(summary, 80)
    if not title:
        raise ValueError("has neither a title nor a text")
    categories = _sorted_categories(terms, meta)
    own = _permalink(row, site, categories, local=_local(row, site, published_at))
    canonical = next((meta[key] for key in _CANONICAL if is_web_url(meta.get(key, ""))), "")
    count = beside.counts.get(row.ID, 0)
    return Article(
        key=str(row.ID),
        url=canonical or own,
        title=title[:300],
        published_at=published_at,
        authors=_texts([row.display_name]),
        summary=summary,
        image=_image(meta, beside.pictures, site),
        topics=_topics(categories, terms, site, options),
        language=next((each.slug[:12] for each in terms if each.taxonomy == "language"), site.language),
        words=body.count_words(content),
        comment_count=count,
        comments=tuple(
            Comment(
                author=clean.plain_text(each.comment_author),
                text=clean.summary(shortcodes.without_shortcodes(each.comment_content)),
                url=f"{own}#comment-{each.comment_ID}",
            )
            for each in beside.comments.get(row.ID, ())
        ),
    )


def _instant(row: Any, site: _Site) -> datetime | None:
    at = database.instant_of(row.post_date_gmt)
    if at is not None:
        return at
    return row.post_date.replace(tzinfo=site.zone).astimezone(UTC) if isinstance(row.post_date, datetime) else None


def _local(row: Any, site: _Site, published_at: datetime) -> datetime:
    """What the site's clock said: permalinks are made of that, and stay when the site's zone is changed."""
    return row.post_date if isinstance(row.post_date, datetime) else published_at.astimezone(site.zone)


def _sorted_categories(terms: Sequence[Any], meta: Mapping[str, str]) -> list[Any]:
    """As WordPress takes them: by their number, the primary one first where a plugin knows it."""
    primary = {meta[key] for key in _PRIMARY if meta.get(key)}
    found = [each for each in terms if each.taxonomy == "category"]
    return sorted(found, key=lambda each: (str(each.term_id) not in primary, each.term_id))


def _topics(categories: Sequence[Any], terms: Sequence[Any], site: _Site, options: Options) -> tuple[str, ...]:
    """Not the category that stands for none; a site that gave the default one a name of its own means it."""
    own = [
        each
        for each in categories
        if each.slug != "uncategorized"
        and not (each.term_id in (1, site.default_category) and each.name.strip().lower() in _UNCATEGORIZED)
    ]
    tags = [each for each in terms if each.taxonomy == "post_tag"]
    return _texts([*(each.name for each in (*own, *tags)), *options.topics.split(",")])


def _texts(values: Sequence[str | None]) -> tuple[str, ...]:
    texts = [clean.plain_text(value)[:120] for value in values if value]
    return tuple(dict.fromkeys(text for text in texts if text))


def _image(meta: Mapping[str, str], pictures: Mapping[int, Mapping[str, str]], site: _Site) -> Image | None:
    number = meta.get("_thumbnail_id", "")
    picture = pictures.get(int(number), {}) if number.isdigit() else {}
    file = picture.get("_wp_attached_file", "")
    src = file if is_web_url(file) else f"{site.uploads}/{quote(unquote(file).lstrip('/'))}"
    if not file or not is_web_url(src):
        return None
    return Image(src=src, alt=clean.plain_text(picture.get("_wp_attachment_image_alt", "")))


def _permalink(row: Any, site: _Site, categories: Sequence[Any], *, local: datetime) -> str:
    """The address of a post by the site's rule; where there is none, or a plugin's, the one that always leads there."""
    plain = f"{site.home}/?p={row.ID}"
    if not site.structure or row.post_type != "post" or not row.post_name:
        return plain
    values = {
        "year": f"{local:%Y}",
        "monthnum": f"{local:%m}",
        "day": f"{local:%d}",
        "hour": f"{local:%H}",
        "minute": f"{local:%M}",
        "second": f"{local:%S}",
        "postname": row.post_name,
        "post_id": str(row.ID),
        "category": _category_path(categories, site),
        "author": row.user_nicename or "",
    }
    path = _TAG.sub(lambda match: values.get(match[1], match[0]), site.structure)
    return plain if _TAG.search(path) else f"{site.home}/{quote(path.lstrip('/'), safe='/%:@!$&()*+,;=~-._')}"


def _category_path(categories: Sequence[Any], site: _Site) -> str:
    """Slugs from the topmost parent down; the default category where a post has none."""
    term = categories[0].term_id if categories else site.default_category
    slugs: list[str] = []
    while term in site.parents and len(slugs) < 20:
        slug, term = site.parents[term]
        slugs.insert(0, slug)
    return "/".join(slugs) or "uncategorized"


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
        consent_at=database.instant_of(user.user_registered),
        consent_origin=f"user of {options.site_prefix.rstrip('_')}",
        attributes={key: said[key] for key in own if said.get(key)},
    )
