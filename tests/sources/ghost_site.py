"""A Ghost site, on MariaDB or SQLite, with the columns that Ghost 5 or 6 makes, and invented content."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, text

from digest.sources import ghost
from digest.sources.kinds import options_of

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)

ID = "varchar(24) NOT NULL"
TIMES = "created_at datetime NOT NULL, updated_at datetime DEFAULT NULL"

TABLES = {
    "posts": f"""id {ID} PRIMARY KEY, uuid varchar(36) NOT NULL, title varchar(2000) NOT NULL, slug varchar(191) NOT NULL,
        mobiledoc longtext, lexical longtext, html longtext, comment_id varchar(50) DEFAULT NULL, plaintext longtext,
        feature_image varchar(2000) DEFAULT NULL, featured tinyint(1) NOT NULL DEFAULT 0,
        type varchar(50) NOT NULL DEFAULT 'post', status varchar(50) NOT NULL DEFAULT 'draft',
        locale varchar(6) DEFAULT NULL, visibility varchar(50) NOT NULL DEFAULT 'public',
        email_recipient_filter text NOT NULL, {TIMES}, published_at datetime DEFAULT NULL,
        custom_excerpt varchar(2000) DEFAULT NULL, codeinjection_head text, codeinjection_foot text,
        custom_template varchar(100) DEFAULT NULL, canonical_url text, newsletter_id varchar(24) DEFAULT NULL,
        show_title_and_feature_image tinyint(1) NOT NULL DEFAULT 1""",
    "posts_meta": f"""id {ID} PRIMARY KEY, post_id {ID}, og_image varchar(2000) DEFAULT NULL,
        meta_title varchar(2000) DEFAULT NULL, meta_description varchar(2000) DEFAULT NULL,
        email_subject varchar(300) DEFAULT NULL, frontmatter text, feature_image_alt varchar(2000) DEFAULT NULL,
        feature_image_caption text, email_only tinyint(1) NOT NULL DEFAULT 0""",
    "users": f"""id {ID} PRIMARY KEY, name varchar(191) NOT NULL, slug varchar(191) NOT NULL,
        email varchar(191) NOT NULL, profile_image varchar(2000) DEFAULT NULL, {TIMES}""",
    "posts_authors": f"id {ID} PRIMARY KEY, post_id {ID}, author_id {ID}, sort_order int NOT NULL DEFAULT 0",
    "tags": f"""id {ID} PRIMARY KEY, name varchar(191) NOT NULL, slug varchar(191) NOT NULL,
        visibility varchar(50) NOT NULL DEFAULT 'public', accent_color varchar(50) DEFAULT NULL, {TIMES}""",
    "posts_tags": f"id {ID} PRIMARY KEY, post_id {ID}, tag_id {ID}, sort_order int NOT NULL DEFAULT 0",
    "settings": f"""id {ID} PRIMARY KEY, `group` varchar(50) NOT NULL DEFAULT 'core', `key` varchar(50) NOT NULL,
        value text, type varchar(50) NOT NULL DEFAULT 'string', {TIMES}""",
    "newsletters": f"""id {ID} PRIMARY KEY, uuid varchar(36) NOT NULL, name varchar(191) NOT NULL,
        slug varchar(191) NOT NULL, status varchar(50) NOT NULL DEFAULT 'active', {TIMES}""",
    "members": f"""id {ID} PRIMARY KEY, uuid varchar(36) NOT NULL, email varchar(191) NOT NULL,
        status varchar(50) NOT NULL DEFAULT 'free', name varchar(191) DEFAULT NULL, note varchar(2000) DEFAULT NULL,
        geolocation varchar(2000) DEFAULT NULL, email_disabled tinyint(1) NOT NULL DEFAULT 0, {TIMES}""",
    "members_newsletters": f"id {ID} PRIMARY KEY, member_id {ID}, newsletter_id {ID}",
    "members_subscribe_events": f"""id {ID} PRIMARY KEY, member_id {ID}, subscribed tinyint(1) NOT NULL DEFAULT 1,
        created_at datetime NOT NULL, source varchar(50) DEFAULT NULL, newsletter_id varchar(24) DEFAULT NULL""",
    "labels": f"id {ID} PRIMARY KEY, name varchar(191) NOT NULL, slug varchar(191) NOT NULL, {TIMES}",
    "members_labels": f"id {ID} PRIMARY KEY, member_id {ID}, label_id {ID}, sort_order int NOT NULL DEFAULT 0",
    "comments": f"""id {ID} PRIMARY KEY, post_id {ID}, member_id varchar(24) DEFAULT NULL,
        parent_id varchar(24) DEFAULT NULL, status varchar(50) NOT NULL DEFAULT 'published', html longtext,
        edited_at datetime DEFAULT NULL, {TIMES}""",
}

NEW_IN_6 = "auto_excerpt varchar(500) DEFAULT NULL", "reading_time int DEFAULT NULL"


class Ghost:
    def __init__(self, engine: Engine, url: str, *, version: int) -> None:
        self.engine, self.url, self.version = engine, url, version
        self._last = 0
        with engine.begin() as connection:
            for name, columns in TABLES.items():
                more = ", ".join(("", *NEW_IN_6)) if name == "posts" and version == 6 else ""
                connection.exec_driver_sql(f"CREATE TABLE {name} ({columns}{more})")
        self.add("settings", key="locale", value="de")

    def add(self, table: str, **values: Any) -> str:
        """A row with an id such as Ghost makes; its times are those of SQLite's texts, which MariaDB reads as well."""
        self._last += 1
        row = {"id": f"{self._last:024x}", **values}
        if "created_at datetime" in TABLES[table]:
            row.setdefault("created_at", "2025-01-01 00:00:00")
        names, places = ", ".join(f"`{name}`" for name in row), ", ".join(f":{name}" for name in row)
        with self.engine.begin() as connection:
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), row)
        return str(row["id"])

    def change(self, table: str, id_: str, **values: Any) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in values)
        with self.engine.begin() as connection:
            connection.execute(text(f"UPDATE {table} SET {changes} WHERE id = :id"), {"id": id_, **values})

    def post(self, title: str, *, meta: dict[str, Any] | None = None, **values: Any) -> str:
        at = values.setdefault("published_at", "2026-11-20 09:05:07")
        row = {
            "uuid": "",
            "title": title,
            "slug": title.lower().replace(" ", "-"),
            "html": "<p>What happened.</p><p>And more.</p>",
            "plaintext": "What happened.\n\nAnd more.",
            "status": "published",
            "email_recipient_filter": "all",
            "updated_at": at,
        }
        post = self.add("posts", **(row | values))
        if meta is not None:
            self.add("posts_meta", post_id=post, **meta)
        return post

    def author(self, post: str, name: str, place: int) -> None:
        user = self.add(
            "users", name=name, slug=name.lower().replace(" ", "-"), email=f"{name[:3].lower()}@example.org"
        )
        self.add("posts_authors", post_id=post, author_id=user, sort_order=place)

    def tag(self, post: str, name: str, place: int, *, visibility: str = "public") -> None:
        tag = self.add("tags", name=name, slug=name.lower().strip("#"), visibility=visibility)
        self.add("posts_tags", post_id=post, tag_id=tag, sort_order=place)

    def list(self, slug: str, *, status: str = "active") -> str:
        return self.add("newsletters", uuid="", name=slug.title(), slug=slug, status=status)

    def member(self, name: str, *lists: str, **values: Any) -> str:
        row = {"uuid": "", "email": f"{name.lower()}@example.org", "name": name, "created_at": "2025-02-01 08:00:00"}
        member = self.add("members", **(row | values))
        for each in lists:
            self.add("members_newsletters", member_id=member, newsletter_id=each)
        return member

    def options(self, **values: Any) -> ghost.Options:
        defaults: dict[str, Any] = {"url": self.url, "home": "https://harbourpost.example"}
        given: ghost.Options = options_of("ghost", defaults | values, name="site")
        return given
