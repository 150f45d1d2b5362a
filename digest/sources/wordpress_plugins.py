"""What is asked of a WordPress database for its plugins' sake: authors, languages, addresses, who may read.

Once for each reading: options, which tables there are, and rules. For each two hundred posts at most three statements, each
by an index, and none where a site has no such plugin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from sqlalchemy import Connection, FromClause, and_, column, select, table

from digest.sources import database, php
from digest.sources.readers import names_of
from digest.sources.wordpress_rules import (
    Rule,
    is_for_members,
    rule_of_memberpress,
    rule_of_restrict_content,
    rule_of_woocommerce,
)

if TYPE_CHECKING:
    from digest.sources.wordpress_posts import Options

OPTIONS = (
    *("polylang", "icl_sitepress_settings", "permalink-manager-uris"),
    *("wc_memberships_rules", "rcp_restricted_post_types"),
)
_MEMBERPRESS = ("_mepr_rules_type", "_mepr_rules_content")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What holds for all posts.

    uris              Permalink Manager: number of a post -> path
    rules             what is for members
    has_levels        is there a table of posts that Paid Memberships Pro keeps?
    has_translations  is there WPML's table?
    """

    uris: Mapping[int, str]
    rules: tuple[Rule, ...]
    has_levels: bool
    has_translations: bool


class Asked(TypedDict):
    """What a post's Beside has of plugins."""

    authors: Sequence[str]
    path: str
    language: str
    is_for_members: bool


def known_of(connection: Connection, options: Options, said: Mapping[str, str]) -> Known:
    prefix = options.site_prefix
    uris = php.array_of(said.get("permalink-manager-uris", ""))
    has_levels = bool(database.columns_of(connection, f"{prefix}pmpro_memberships_pages"))
    rules = [
        rule_of_woocommerce(said.get("wc_memberships_rules", "")),
        rule_of_restrict_content(said.get("rcp_restricted_post_types", ""), _restricted_terms(connection, prefix)),
        rule_of_memberpress(_memberpress(connection, options), names_of(options.post_types)),
    ]
    if has_levels:
        kept = _table(prefix, "pmpro_memberships_categories", "category_id")
        rules.append(Rule(terms=frozenset(str(row.category_id) for row in connection.execute(select(kept)))))
    return Known(
        uris={key: value for key, value in uris.items() if isinstance(key, int) and isinstance(value, str)},
        rules=tuple(rule for rule in rules if rule.posts or rule.terms or rule.types),
        has_levels=has_levels,
        has_translations={"element_id", "language_code"}
        <= database.columns_of(connection, f"{prefix}icl_translations"),
    )


def asked(
    connection: Connection,
    options: Options,
    known: Known,
    posts: Sequence[Any],
    terms: Mapping[int, Sequence[Any]],
    meta: Mapping[int, Mapping[str, str]],
) -> dict[int, Asked]:
    """For each of these posts."""
    ids = [post.ID for post in posts]
    kept = _with_levels(connection, options, ids) if known.has_levels else set()
    languages = _languages(connection, options, posts) if known.has_translations else {}
    names = _names(
        connection, options, [each for found in terms.values() for each in found if each.taxonomy == "author"]
    )
    found: dict[int, Asked] = {}
    for post in posts:
        own, said = terms.get(post.ID, ()), meta.get(post.ID, {})
        found[post.ID] = Asked(
            authors=[names[each.slug] for each in own if each.taxonomy == "author" and names.get(each.slug)],
            path=said.get("custom_permalink", "") or known.uris.get(post.ID, ""),
            language=languages.get(post.ID, ""),
            is_for_members=post.ID in kept or is_for_members(post.ID, post.post_type, own, said, known.rules),
        )
    return found


def meta_of(
    connection: Connection, options: Options, ids: Sequence[int], keys: Sequence[str]
) -> dict[int, dict[str, str]]:
    """Of several values of one key the first."""
    if not ids:
        return {}
    rows = _table(options.site_prefix, "postmeta", "meta_id", "post_id", "meta_key", "meta_value")
    query = select(rows).where(rows.c.post_id.in_(ids), rows.c.meta_key.in_(keys)).order_by(rows.c.meta_id)
    found: dict[int, dict[str, str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.post_id, {}).setdefault(row.meta_key, str(row.meta_value or "").strip())
    return found


def _table(prefix: str, name: str, *columns: str) -> FromClause:
    return table(f"{prefix}{name}", *map(column, columns))


def _names(connection: Connection, options: Options, terms: Sequence[Any]) -> dict[str, str]:
    """Co-Authors Plus: a term's slug is that of a guest author, or "cap-" and the user's; the guest's name goes first.

    PublishPress Authors has terms of the same taxonomy that are called as their author is.
    """
    if not terms:
        return {}
    names = {each.slug: "" if each.slug.startswith("cap-") else str(each.name or "") for each in terms}
    users = _table(options.prefix, "users", "display_name", "user_nicename")
    by_nicename = {slug.removeprefix("cap-"): slug for slug in names}
    query = select(users).where(users.c.user_nicename.in_(list(by_nicename)))
    for row in connection.execute(query):
        slug = by_nicename.get(row.user_nicename, "")
        names |= {slug: row.display_name} if slug and row.display_name else {}
    posts = _table(options.site_prefix, "posts", "ID", "post_name", "post_type", "post_title")
    slugs = [*names, *(f"cap-{slug}" for slug in names if not slug.startswith("cap-"))]
    query = select(posts).where(posts.c.post_name.in_(slugs), posts.c.post_type == "guest-author")
    guests = connection.execute(query).all()
    said = meta_of(connection, options, [guest.ID for guest in guests], ("cap-display_name",))
    for guest in guests:
        name = said.get(guest.ID, {}).get("cap-display_name") or str(guest.post_title or "")
        slug = guest.post_name if guest.post_name in names else guest.post_name.removeprefix("cap-")
        names |= {slug: name} if name else {}
    return names


def _with_levels(connection: Connection, options: Options, ids: Sequence[int]) -> set[int]:
    pages = _table(options.site_prefix, "pmpro_memberships_pages", "page_id")
    return {row.page_id for row in connection.execute(select(pages).where(pages.c.page_id.in_(ids)))}


def _languages(connection: Connection, options: Options, posts: Sequence[Any]) -> dict[int, str]:
    rows = _table(options.site_prefix, "icl_translations", "element_type", "element_id", "language_code")
    kinds = {f"post_{post.post_type}" for post in posts}
    query = select(rows).where(rows.c.element_type.in_(kinds), rows.c.element_id.in_([post.ID for post in posts]))
    return {row.element_id: str(row.language_code or "") for row in connection.execute(query)}


def _restricted_terms(connection: Connection, prefix: str) -> list[tuple[int, str]]:
    """Restrict Content Pro."""
    if "term_id" not in database.columns_of(connection, f"{prefix}termmeta"):
        return []
    rows = _table(prefix, "termmeta", "term_id", "meta_key", "meta_value")
    found = connection.execute(select(rows).where(rows.c.meta_key == "rcp_restricted_meta"))
    return [(row.term_id, str(row.meta_value or "")) for row in found]


def _memberpress(connection: Connection, options: Options) -> list[Mapping[str, str]]:
    posts = _table(options.site_prefix, "posts", "ID", "post_type", "post_status")
    query = select(posts.c.ID).where(and_(posts.c.post_type == "memberpressrule", posts.c.post_status == "publish"))
    ids = [row.ID for row in connection.execute(query)]
    return list(meta_of(connection, options, ids, _MEMBERPRESS).values())
