"""A post of WordPress, and what its other tables say of it -> an Article with its permalink. Pure; wordpress.py asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Annotated, Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo, available_timezones

from digest.model.article import Article, Comment, Image
from digest.model.setting import Setting
from digest.sources import body, bounds, clean, shortcodes
from digest.sources import wordpress_rules as rules
from digest.sources.checked import checked
from digest.sources.dedupe import is_web_url
from digest.sources.instants import instant_of
from digest.sources.language import language_code, with_languages
from digest.sources.pictures import PICTURES, choose, pictures_in
from digest.sources.readers import ReaderOptions, names_of
from digest.sources.sentences import shortened

_TAG = re.compile(r"%([a-z_]+)%")
CANONICAL = ("_yoast_wpseo_canonical", "rank_math_canonical_url")
PRIMARY = ("_yoast_wpseo_primary_category", "rank_math_primary_category")
FIFU = ("fifu_image_url", "fifu_image_alt")
META = ("_thumbnail_id", "_links_to", "custom_permalink", *CANONICAL, *PRIMARY, *FIFU, *rules.META)
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
    """A WordPress database, read with an account that may only read."""

    url: Annotated[
        str, Setting(help="SQLAlchemy URL: mysql://reader:PASSWORD@db.example.org/wordpress", is_secret=True)
    ]
    prefix: Annotated[str, Setting(help="of its tables, as wp-config.php says")] = "wp_"
    site: Annotated[
        int, Setting(help="of a network (multisite): the number of the site; readers are those of that site", least=1)
    ] = 1
    home: Annotated[
        str, Setting(help="address of the site, where wp-config.php gives another one than the database (WP_HOME)")
    ] = ""
    post_types: Annotated[str, Setting(help="comma-separated")] = "post"
    picture: Annotated[
        str,
        Setting(
            help='of a post without a featured one: "text" takes the first of its text, "featured" none',
            choices=PICTURES,
        ),
    ] = "text"
    topics: Annotated[str, Setting(help="added to every article, comma-separated")] = ""
    comments: Annotated[int, Setting(help="how many of the newest are kept of each article", least=0)] = 3
    comment_days: Annotated[
        int,
        Setting(help="how long after its publication an article is read again for its comments", unit="days", least=0),
    ] = 8
    overlap_minutes: Annotated[
        int,
        Setting(
            help="how far before the cursor each reading starts: posts may appear with an earlier date",
            unit="minutes",
            least=0,
        ),
    ] = 60
    roles: Annotated[str, Setting(help="users of these roles are readers")] = "subscriber"
    consent_meta: Annotated[
        str, Setting(help="only users in whose profile (usermeta) this key says something, and that is the wording")
    ] = ""
    attributes: Annotated[str, Setting(help="keys of usermeta that are kept of a reader, comma-separated")] = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_$-]*", self.prefix):
            raise ValueError(f"prefix: {self.prefix!r} is none; it is $table_prefix in wp-config.php")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    home: str
    uploads: str
    structure: str
    zone: tzinfo
    language: str
    default_category: int
    parents: Mapping[int, tuple[str, int]]  # categories: term id -> slug, parent's term id
    language_urls: rules.LanguageUrls = field(default_factory=rules.LanguageUrls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What other tables say of a post.

    authors          as a plugin has them, in their order; none where there is no such plugin
    path             as a plugin has it, below the address of the site
    language         as WPML has it
    is_for_members   the text is not for everybody
    """

    meta: Mapping[str, str]
    picture: Mapping[str, str]
    terms: Sequence[Any]
    count: int
    comments: Sequence[Any]
    authors: Sequence[str] = ()
    path: str = ""
    language: str = ""
    is_for_members: bool = False


def read(row: Any, beside: Beside, *, options: Options, site: Site) -> Article:
    """What is done in a child process; ValueError says why it is no article."""
    return with_languages([checked(_article(row, options, site, beside))])[0]


def row_id(text: str) -> int | None:
    """A number of a row, as metadata hold it in text."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def uploads(said: Mapping[str, str], home: str, site: int) -> str:
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


def zone_of(said: Mapping[str, str]) -> tzinfo:
    if (name := said.get("timezone_string", "")) in available_timezones():
        return ZoneInfo(name)
    try:
        return timezone(timedelta(hours=float(said.get("gmt_offset") or 0)))
    except (ValueError, OverflowError):
        return UTC


def _article(row: Any, options: Options, site: Site, beside: Beside) -> Article:
    meta, terms = beside.meta, beside.terms
    published_at = _instant(row, site)
    if published_at is None:
        raise ValueError("has no date")
    content = rules.without_what_members_see(_said(row.post_content, site)[: bounds.TEXT])
    shown = body.before_more(content) if beside.is_for_members else content
    summary = body.teaser(shown, rules.without_what_members_see(_said(row.post_excerpt, site)))
    title = clean.title(_said(row.post_title, site)) or shortened(summary, 80)
    if not title:
        raise ValueError("has neither a title nor a text")
    categories = _sorted_categories(terms, meta)
    post_language = next((each.slug for each in terms if each.taxonomy == "language"), "") or beside.language
    own = _own_url(row, site, beside, categories, post_language, local=_local(row, site, published_at))
    return Article(
        key=str(row.ID),
        url=_stated_url(meta, site) or own,
        title=title[:300],
        published_at=published_at,
        authors=_texts(beside.authors, site) or _texts([row.display_name], site),
        summary=summary,
        image=_image(beside, site) or (choose(pictures_in(shown), base=own) if options.picture == "text" else None),
        topics=_topics(categories, terms, site, options),
        language=language_code(post_language)
        or shortcodes.language_in(f"{row.post_title or ''}{row.post_content or ''}", site.language)
        or site.language,
        words=body.count_words(content),
        comment_count=beside.count,
        comments=tuple(
            Comment(
                author=clean.title(str(each.comment_author or "")),
                text=clean.summary(shortcodes.without_shortcodes(str(each.comment_content or "")[: bounds.TEXT])),
                url=f"{own}#comment-{each.comment_ID}",
            )
            for each in beside.comments
        ),
    )


def _instant(row: Any, site: Site) -> datetime | None:
    at = instant_of(row.post_date_gmt)
    if at is not None:
        return at
    return row.post_date.replace(tzinfo=site.zone).astimezone(UTC) if isinstance(row.post_date, datetime) else None


def _local(row: Any, site: Site, published_at: datetime) -> datetime:
    """What the site's clock said: permalinks are made of that, and stay when the site's zone is changed."""
    return row.post_date if isinstance(row.post_date, datetime) else published_at.astimezone(site.zone)


def _sorted_categories(terms: Sequence[Any], meta: Mapping[str, str]) -> list[Any]:
    """As WordPress takes them: by their number, the primary one first where a plugin knows it."""
    primary = {meta[key] for key in PRIMARY if meta.get(key)}
    found = [each for each in terms if each.taxonomy == "category"]
    return sorted(found, key=lambda each: (str(each.term_id) not in primary, each.term_id))


def _topics(categories: Sequence[Any], terms: Sequence[Any], site: Site, options: Options) -> tuple[str, ...]:
    """Not the category that stands for none; a site that gave the default one a name of its own means it."""
    own = [
        each
        for each in categories
        if each.slug != "uncategorized"
        and not (each.term_id in (1, site.default_category) and each.name.strip().lower() in _UNCATEGORIZED)
    ]
    tags = [each for each in terms if each.taxonomy == "post_tag"]
    return _texts([*(each.name for each in (*own, *tags)), *options.topics.split(",")], site)


def _said(text: str | None, site: Site) -> str:
    """Where it is written in several languages, that of the site."""
    return shortcodes.in_language(str(text or ""), site.language)


def _texts(values: Sequence[str | None], site: Site) -> tuple[str, ...]:
    texts = [clean.title(_said(value, site))[:120] for value in values[: bounds.FEW] if value]
    return tuple(dict.fromkeys(text for text in texts if text))


def _image(beside: Beside, site: Site) -> Image | None:
    """The featured one: of the site, else of another one (Featured Image from URL)."""
    file = beside.picture.get("_wp_attached_file", "")
    src = file if is_web_url(file) else f"{site.uploads}/{quote(unquote(file).lstrip('/'))}"
    if file and is_web_url(src):
        return Image(src=src, alt=clean.title(_said(beside.picture.get("_wp_attachment_image_alt"), site)))
    src, alt = (beside.meta.get(name, "") for name in FIFU)
    return Image(src=src, alt=clean.title(_said(alt, site))) if is_web_url(src) else None


def _stated_url(meta: Mapping[str, str], site: Site) -> str:
    """Where a plugin says that the post is: elsewhere (Page Links To), or that this is what search engines are told."""
    elsewhere = meta.get("_links_to", "")
    if elsewhere.startswith("/") and not elsewhere.startswith("//"):
        elsewhere = site.home + elsewhere
    return next(filter(is_web_url, (elsewhere, *(meta.get(key, "") for key in CANONICAL))), "")


def _own_url(
    row: Any, site: Site, beside: Beside, categories: Sequence[Any], post_language: str, *, local: datetime
) -> str:
    if path := beside.path.lstrip("/"):
        url = path if is_web_url(path) else f"{site.home}/{quote(path, safe='/%?=&:@!$()*+,;~-._')}"
        if beside.meta.get("custom_permalink"):  # the whole of it, as somebody wrote it
            return url
    else:
        url = _permalink(row, site, categories, local=local)
    return rules.in_its_language(url, site.home, post_language, site.language_urls)


def _permalink(row: Any, site: Site, categories: Sequence[Any], *, local: datetime) -> str:
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


def _category_path(categories: Sequence[Any], site: Site) -> str:
    """Slugs from the topmost parent down; the default category where a post has none."""
    term = categories[0].term_id if categories else site.default_category
    slugs: list[str] = []
    while term in site.parents and len(slugs) < 20:
        slug, term = site.parents[term]
        slugs.insert(0, slug)
    return "/".join(slugs) or "uncategorized"
