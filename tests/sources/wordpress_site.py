"""A WordPress site in a real MariaDB: its tables with the columns that WordPress makes, and invented content."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from digest.sources import wordpress
from digest.sources.kinds import options_of

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
ZERO = "0000-00-00 00:00:00"

OF_A_SITE = {
    "posts": """ID bigint(20) unsigned NOT NULL AUTO_INCREMENT, post_author bigint(20) unsigned NOT NULL DEFAULT 0,
        post_date datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
        post_date_gmt datetime NOT NULL DEFAULT '0000-00-00 00:00:00', post_content longtext NOT NULL,
        post_title text NOT NULL, post_excerpt text NOT NULL, post_status varchar(20) NOT NULL DEFAULT 'publish',
        comment_status varchar(20) NOT NULL DEFAULT 'open', ping_status varchar(20) NOT NULL DEFAULT 'open',
        post_password varchar(255) NOT NULL DEFAULT '', post_name varchar(200) NOT NULL DEFAULT '',
        to_ping text NOT NULL, pinged text NOT NULL,
        post_modified datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
        post_modified_gmt datetime NOT NULL DEFAULT '0000-00-00 00:00:00', post_content_filtered longtext NOT NULL,
        post_parent bigint(20) unsigned NOT NULL DEFAULT 0, guid varchar(255) NOT NULL DEFAULT '',
        menu_order int(11) NOT NULL DEFAULT 0, post_type varchar(20) NOT NULL DEFAULT 'post',
        post_mime_type varchar(100) NOT NULL DEFAULT '', comment_count bigint(20) NOT NULL DEFAULT 0,
        PRIMARY KEY (ID), KEY post_name (post_name(191)),
        KEY type_status_date (post_type, post_status, post_date, ID), KEY post_author (post_author)""",
    "postmeta": """meta_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, post_id bigint(20) unsigned NOT NULL DEFAULT 0,
        meta_key varchar(255) DEFAULT NULL, meta_value longtext, PRIMARY KEY (meta_id), KEY post_id (post_id),
        KEY meta_key (meta_key(191))""",
    "options": """option_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, option_name varchar(191) NOT NULL DEFAULT '',
        option_value longtext NOT NULL, autoload varchar(20) NOT NULL DEFAULT 'yes', PRIMARY KEY (option_id),
        UNIQUE KEY option_name (option_name)""",
    "terms": """term_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, name varchar(200) NOT NULL DEFAULT '',
        slug varchar(200) NOT NULL DEFAULT '', term_group bigint(10) NOT NULL DEFAULT 0, PRIMARY KEY (term_id)""",
    "term_taxonomy": """term_taxonomy_id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
        term_id bigint(20) unsigned NOT NULL DEFAULT 0, taxonomy varchar(32) NOT NULL DEFAULT '',
        description longtext NOT NULL, parent bigint(20) unsigned NOT NULL DEFAULT 0,
        count bigint(20) NOT NULL DEFAULT 0, PRIMARY KEY (term_taxonomy_id),
        UNIQUE KEY term_id_taxonomy (term_id, taxonomy)""",
    "term_relationships": """object_id bigint(20) unsigned NOT NULL DEFAULT 0,
        term_taxonomy_id bigint(20) unsigned NOT NULL DEFAULT 0, term_order int(11) NOT NULL DEFAULT 0,
        PRIMARY KEY (object_id, term_taxonomy_id)""",
    "comments": """comment_ID bigint(20) unsigned NOT NULL AUTO_INCREMENT,
        comment_post_ID bigint(20) unsigned NOT NULL DEFAULT 0, comment_author tinytext NOT NULL,
        comment_author_email varchar(100) NOT NULL DEFAULT '', comment_author_url varchar(200) NOT NULL DEFAULT '',
        comment_author_IP varchar(100) NOT NULL DEFAULT '',
        comment_date datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
        comment_date_gmt datetime NOT NULL DEFAULT '0000-00-00 00:00:00', comment_content text NOT NULL,
        comment_karma int(11) NOT NULL DEFAULT 0, comment_approved varchar(20) NOT NULL DEFAULT '1',
        comment_agent varchar(255) NOT NULL DEFAULT '', comment_type varchar(20) NOT NULL DEFAULT 'comment',
        comment_parent bigint(20) unsigned NOT NULL DEFAULT 0, user_id bigint(20) unsigned NOT NULL DEFAULT 0,
        PRIMARY KEY (comment_ID), KEY comment_post_ID (comment_post_ID)""",
}

OF_A_NETWORK = {
    "users": """ID bigint(20) unsigned NOT NULL AUTO_INCREMENT, user_login varchar(60) NOT NULL DEFAULT '',
        user_pass varchar(255) NOT NULL DEFAULT '', user_nicename varchar(50) NOT NULL DEFAULT '',
        user_email varchar(100) NOT NULL DEFAULT '', user_url varchar(100) NOT NULL DEFAULT '',
        user_registered datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
        user_activation_key varchar(255) NOT NULL DEFAULT '', user_status int(11) NOT NULL DEFAULT 0,
        display_name varchar(250) NOT NULL DEFAULT '', PRIMARY KEY (ID)""",
    "usermeta": """umeta_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, user_id bigint(20) unsigned NOT NULL DEFAULT 0,
        meta_key varchar(255) DEFAULT NULL, meta_value longtext, PRIMARY KEY (umeta_id), KEY user_id (user_id),
        KEY meta_key (meta_key(191))""",
}

OPTIONS = {
    "siteurl": "https://harbourpost.example",
    "home": "https://harbourpost.example",
    "permalink_structure": "/%year%/%monthnum%/%postname%/",
    "upload_path": "",
    "upload_url_path": "",
    "timezone_string": "Europe/Berlin",
    "gmt_offset": "",
    "WPLANG": "de_DE",
    "default_category": "1",
}


class WordPress:
    """One site; `number` is that in its network."""

    def __init__(
        self, engine: Engine, url: str, *, prefix: str = "wp_", number: int = 1, charset: str = "utf8mb4", **said: str
    ) -> None:
        self.engine, self.url, self.prefix, self.number = engine, url, prefix, number
        self.own = prefix if number == 1 else f"{prefix}{number}_"
        tables = {self.own + name: columns for name, columns in OF_A_SITE.items()}
        tables |= {prefix + name: columns for name, columns in OF_A_NETWORK.items()}
        with engine.begin() as connection:
            connection.execute(text("SET sql_mode = ''"))  # as WordPress does
            for name, columns in tables.items():
                made = f"CREATE TABLE IF NOT EXISTS {name} ({columns}) ENGINE=InnoDB DEFAULT CHARSET={charset}"
                connection.exec_driver_sql(made)
        for name, value in (OPTIONS | said).items():
            self.add("options", option_name=name, option_value=value)
        self.term("Uncategorized", "category", slug="uncategorized")

    def add(self, table: str, **values: Any) -> int:
        prefix = self.prefix if table in OF_A_NETWORK else self.own
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        with self.engine.begin() as connection:
            connection.execute(text("SET sql_mode = ''"))
            done = connection.execute(text(f"INSERT INTO {prefix}{table} ({names}) VALUES ({places})"), values)
            return int(done.lastrowid)

    def change(self, table: str, where: str, **values: Any) -> None:
        prefix = self.prefix if table in OF_A_NETWORK else self.own
        with self.engine.begin() as connection:
            connection.execute(text("SET sql_mode = ''"))
            changes = ", ".join(f"{name} = :{name}" for name in values)
            connection.execute(text(f"UPDATE {prefix}{table} SET {changes} WHERE {where}"), values)

    def post(self, title: str, *, at: datetime = datetime(2026, 11, 20, 9, 5, 7, tzinfo=UTC), **values: Any) -> int:
        """Published at `at`; Berlin's clock is an hour ahead in November."""
        local = (at + timedelta(hours=1)).replace(tzinfo=None)
        row = {
            "post_title": title,
            "post_name": title.lower().replace(" ", "-"),
            "post_content": "<p>What happened.</p>",
            "post_excerpt": "",
            "post_date": local,
            "post_date_gmt": at.replace(tzinfo=None),
            "post_modified": local,
            "post_modified_gmt": at.replace(tzinfo=None),
            **dict.fromkeys(("to_ping", "pinged", "post_content_filtered"), ""),
        }
        return self.add("posts", **(row | values))

    def meta(self, post: int, **values: object) -> None:
        for key, value in values.items():
            self.add("postmeta", post_id=post, meta_key=key, meta_value=str(value))

    def term(self, name: str, taxonomy: str, *, slug: str = "", parent: int = 0) -> int:
        term = self.add("terms", name=name, slug=slug or name.lower())
        self.add("term_taxonomy", term_id=term, taxonomy=taxonomy, description="", parent=parent)
        return term

    def tie(self, post: int, *terms: int) -> None:
        for place, term in enumerate(terms):
            self.add("term_relationships", object_id=post, term_taxonomy_id=term, term_order=place)

    def comment(self, post: int, author: str, what: str, *, minute: int = 0, **values: Any) -> int:
        at = datetime(2026, 11, 21, 8, minute)  # noqa: DTZ001  as the column
        row = {"comment_post_ID": post, "comment_author": author, "comment_content": what, "comment_date_gmt": at}
        return self.add("comments", **(row | values))

    def user(self, name: str, *, roles: str = "", **meta: str) -> int:
        user = self.add(
            "users",
            user_login=name.lower(),
            user_nicename=name.lower().replace(" ", "-"),
            user_email=f"{name.lower().replace(' ', '.')}@example.org",
            display_name=name,
            user_registered=datetime(2025, 3, 1, 12),  # noqa: DTZ001  as the column
        )
        if roles:
            meta = {f"{self.own}capabilities": f'a:1:{{s:{len(roles)}:"{roles}";b:1;}}', **meta}
        for key, value in meta.items():
            self.add("usermeta", user_id=user, meta_key=key, meta_value=value)
        return user

    def options(self, **values: Any) -> wordpress.Options:
        defaults: dict[str, Any] = {"url": self.url, "prefix": self.prefix, "site": self.number}
        given: wordpress.Options = options_of("wordpress", defaults | values, name="site")
        return given
