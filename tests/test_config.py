"""What is wrong with the settings is said in one line each, with file and key, before anything starts."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from digest import config
from digest.config import sample
from digest.db.engine import make_engine
from digest.delivery.channels import smtp
from digest.delivery.channels.kinds import make_channel
from digest.delivery.channels.smtp import SmtpChannel
from digest.errors import ConfigError, Next, Step
from tests.command import Command

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"

SECRET = "0pen-sesame"
KEY = "0123456789abcdef" * 2

DKIM = '[[dkim]]\ndomain = "example.org"\nselector = "s2026"\nkey_file = "key.pem"'


@pytest.fixture(autouse=True)
def _nobody_s_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a folder of its own, without the settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "digest.toml"


def complaints(file: Path, content: str) -> list[str]:
    """What is wrong with that file, a line each."""
    file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        config.load(file)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("content", "key", "what"),
    [
        ('[databse]\nurl = "sqlite:///x"', "databse", "unknown key; did you mean database?"),
        ('[database]\nurll = "sqlite:///x"', "database.urll", "unknown key; did you mean url?"),
        ('[[channels]]\nhots = "mail.example.org"', "channels[0].hots", "unknown key; did you mean host?"),
        ('[log]\nzzz = "x"', "log.zzz", "unknown key"),
        ('[web]\nport = "many"', "web.port", "valid integer"),
        ('database = "sqlite:///x"', "database", "valid dictionary"),
        ("channels = 3", "channels", "valid list"),
        ('[channels]\nname = "a"', "channels", "valid list"),
        ("[[channels]]\nverify = 7", "channels[0].verify", "7 is neither true nor false"),
        ('[collect]\nallow_hosts = "a.example"', "collect.allow_hosts", "valid list"),
        ("[web]\nport = 70000", "web.port", "less than or equal to 65535"),
        ("[scheduler]\ntick_s = 0", "scheduler.tick_s", "greater than or equal to 1"),
        ("[collect]\ntimeout_s = -1", "collect.timeout_s", "greater than 0"),
        ('[log]\nlevel = "loud"', "log.level", "'debug', 'info', 'warning' or 'error'"),
        ('[[channels]]\nkind = "pigeon"', "channels[0].kind", "'pigeon'; there are: smtp, folder"),
        ('[web]\npublic_url = "digest.example.org"', "web.public_url", "must begin with https://"),
        ('[web]\npublic_url = "https://"', "web.public_url", "must be an address"),
        ('[web]\npublic_url = "https://a b.example"', "web.public_url", "must be an address"),
        ('[mail]\nunsubscribe_mailbox = "leave"', "mail.unsubscribe_mailbox", "must be an address like"),
        ('[mail]\nunsubscribe_mailbox = "a@b.example\\r\\nBcc: x@y.example"', "mail.unsubscribe_mailbox", "address"),
        ('[mail]\nreturn_path = "bounce@example.org"', "mail.return_path", "with {token} in it"),
        (f'[mail]\nreturn_path = "{"b" * 26}{{token}}@example.org"', "mail.return_path", "at most 25 characters"),
        ('[mail]\nreturn_path = "a b{token}@example.org"', "mail.return_path", "must be an address with"),
        ('[database]\nurl = "mysql://h/x"', "database.url", "must begin with sqlite:/// or postgresql://"),
        ('[[channels]]\n[[channels]]\nhost = "b.example"', "channels", "two channels are called 'smtp'"),
        ('[dkim]\ndomain = "example.org"', "dkim", "valid list"),
        (f'{DKIM}\ndomian = "x"', "dkim[0].domian", "unknown key; did you mean domain?"),
        (DKIM.replace("example.org", "localhost"), "dkim[0].domain", "must be a domain like example.org"),
        (DKIM.replace("example.org", "-bücher.example"), "dkim[0].domain", "no name of a host"),
        ('[web]\npublic_url = "https://-bücher.example"', "web.public_url", "no name of a host"),
        ('[web]\npublic_url = "https://example.org:99999"', "web.public_url", "its port cannot be read"),
        ('[web]\ntoken_key = "a"', "web.token_key", "secrets.token_hex(32)"),
        (f'[web]\ntoken_key = "{"a" * 64}"', "web.token_key", "secrets.token_hex(32)"),
        (f'[web]\ntoken_key = "{KEY[:31]}"', "web.token_key", "must have 32 characters at least"),
        (f'[web]\nold_token_keys = ["{KEY}", "b"]', "web.old_token_keys", "must have 32 characters at least"),
        (DKIM.replace("s2026", "a b"), "dkim[0].selector", "must be letters, digits and hyphens"),
        (DKIM.replace("selector", "# selector"), "dkim[0].selector", "Field required"),
        (f"{DKIM}\n{DKIM}", "dkim", "two keys are published as s2026._domainkey.example.org"),
        (
            '[[channels]]\nhost = "mail.example.org"\nusername = "u"\npassword = "p"\nsecurity = "none"',
            "channels[0]",
            "would send the password in the clear",
        ),
        ('[web]\ntoken_key_file = "nowhere"', "web.token_key_file", "nowhere cannot be read: No such file"),
        ('[[channels]]\npassword_file = "nowhere"', "channels[0].password_file", "nowhere cannot be read"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_key(content: str, key: str, what: str, file: Path) -> None:
    [line] = complaints(file, content)
    assert line.startswith(f"{file}: {key}: ")
    assert what in line


LOGIN = '[[channels]]\nusername = "u"\npassword = "p"\n'


@pytest.mark.parametrize(
    "host", ["mail.example.org", "10.0.0.8", "localhost.example.org", "127.0.0.1.example.org", "::"]
)
def test_a_password_does_not_leave_this_machine_in_the_clear(host: str, file: Path) -> None:
    [line] = complaints(file, f'{LOGIN}security = "none"\nhost = "{host}"')
    assert "would send the password in the clear" in line
    assert "insecure_login = true" in line


@pytest.mark.parametrize(
    "channel",
    [
        'security = "none"\nhost = "localhost"',
        'security = "none"\nhost = "LOCALHOST"',
        'security = "none"\nhost = "127.0.0.2"',
        'security = "none"\nhost = "::1"',
        'security = "none"\nhost = "10.0.0.8"\ninsecure_login = true',
        'security = "starttls"\nhost = "mail.example.org"',
        'security = "tls"\nhost = "mail.example.org"',
    ],
)
def test_a_password_may_go_to_this_machine_or_where_somebody_says_so(channel: str, file: Path) -> None:
    file.write_text(LOGIN + channel)
    assert config.load(file).channels[0].password == "p"


def test_everything_that_is_wrong_is_said_at_once(file: Path) -> None:
    lines = complaints(file, '[web]\nport = 0\n[log]\nlevel = "loud"\n[databse]\n')
    assert sorted(line.split(": ")[1] for line in lines) == ["databse", "log.level", "web.port"]


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("DIGEST_WBE__PORT", "1", "unknown key; did you mean DIGEST_WEB__PORT?"),
        ("DIGEST_ZZZ", "1", "unknown key"),
        ("DIGEST_WEB__PRT", "1", "web.prt: unknown key; did you mean port?"),
        ("DIGEST_WEB__PORT", "many", "web.port: Input should be a valid integer"),
        ("DIGEST_WEB", "8025", "web: Input should be a valid dictionary"),
        ("DIGEST_WEB", "x=1", "must be JSON, as tables and lists are"),
        ("DIGEST_CHANNELS", '[{"hots": "a"}]', "channels[0].hots: unknown key; did you mean host?"),
        ("DIGEST_CHANNELS", "smtp", "must be JSON"),
        ("DIGEST_CHANNELS__0__HOST", "a.example", "all channels come as one JSON list in DIGEST_CHANNELS"),
        ("DIGEST_DKIM__0__DOMAIN", "example.org", "all dkim come as one JSON list in DIGEST_DKIM"),
        (
            "DIGEST_DKIM",
            '[{"domain": "a.example", "selector": "s", "key_file": "k", "kee": 1}]',
            "dkim[0].kee: unknown",
        ),
        ("DIGEST_COLLECT__ALLOW_HOSTS", "a.example", "must be JSON"),
    ],
)
def test_what_is_wrong_in_the_environment_is_said_with_the_variable(
    name: str, value: str, what: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    [line] = complaints(file, "[log]\n")
    assert line.startswith(f"environment {name}: ")
    assert what in line


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"[web\n", "not TOML: "),
        (b"\xff\xfe[\0w\0", "cannot be read: "),
        (b"[web]\nport = 1\nport = 2\n", "not TOML: "),
    ],
)
def test_a_file_that_is_no_toml_is_said_with_its_name(content: bytes, what: str, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.load(file)
    assert str(caught.value).startswith(f"{file}: {what}")


def test_a_file_that_is_not_there_is_said_with_what_to_do(file: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file") as refused:
        config.load(file)
    assert refused.value.next == Next(Step.MAKE_CONFIG, {"path": file})


def test_the_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('[web]\nport = 1000\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("DIGEST_WEB__PORT", "2000")
    settings = config.load(file)
    assert (settings.web.port, settings.web.host) == (2000, "0.0.0.0")


def test_lists_come_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_COLLECT__ALLOW_HOSTS", '["a.example", "b.example"]')
    monkeypatch.setenv("DIGEST_CHANNELS", '[{"name": "one"}, {"name": "two", "kind": "folder"}]')
    settings = config.load(None)
    assert settings.collect.allow_hosts == ["a.example", "b.example"]
    assert [(channel.name, channel.kind) for channel in settings.channels] == [("one", "smtp"), ("two", "folder")]


def test_a_key_in_a_file_has_to_be_strong_too(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k3y\n")
    [line] = complaints(file, '[web]\ntoken_key_file = "key"\n')
    assert "web.token_key_file: must have 32 characters at least" in line
    assert "k3y" not in line


def test_names_beyond_ascii_become_what_dns_has(file: Path) -> None:
    file.write_text(
        '[web]\npublic_url = "https://bücher.example/ß/"\n[mail]\nunsubscribe_mailbox = "weg@bücher.example"\n'
        '[[channels]]\nhost = "post.bücher.example"\n[[domains]]\nname = "Bücher.example"\n'
        + DKIM.replace("example.org", "bücher.example")
    )
    settings = config.load(file)
    assert settings.web.public_url == "https://xn--bcher-kva.example/%C3%9F"
    assert settings.mail.unsubscribe_mailbox == "weg@xn--bcher-kva.example"
    assert settings.channels[0].host == "post.xn--bcher-kva.example"
    assert (settings.domains[0].name, settings.dkim[0].domain) == ("xn--bcher-kva.example",) * 2


SERVICE_LINKS = {
    "DIGEST_SERVICE_HOST": "10.0.0.7",
    "DIGEST_SERVICE_PORT": "8025",
    "DIGEST_SERVICE_PORT_HTTP": "8025",
    "DIGEST_PORT": "tcp://10.0.0.7:8025",
    "DIGEST_PORT_8025_TCP": "tcp://10.0.0.7:8025",
    "DIGEST_PORT_8025_TCP_PROTO": "tcp",
    "DIGEST_PORT_8025_TCP_PORT": "8025",
    "DIGEST_PORT_8025_TCP_ADDR": "10.0.0.7",
    "DIGEST_WEB_SERVICE_HOST": "10.0.0.8",
    "DIGEST_WEB_PORT": "tcp://10.0.0.8:80",
    "DIGEST_WEB_PORT_80_UDP_ADDR": "10.0.0.8",
}


def test_what_kubernetes_says_of_a_service_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVICE_LINKS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DIGEST_WEB__PORT", "2000")
    assert config.load(None).web.port == 2000


def test_a_port_that_is_none_of_kubernetes_is_asked_about(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("DIGEST_PORT", "2000")
    assert "unknown key" in "\n".join(complaints(file, ""))


def test_secrets_are_read_from_files_of_their_own(file: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\n")
    (tmp_path / "key").write_text(f"{KEY}\n")
    file.write_text('[web]\ntoken_key_file = "key"\n[[channels]]\npassword_file = "password"\n')
    settings = config.load(file)
    assert (settings.channels[0].password, settings.web.token_key) == (SECRET, KEY)


def test_a_secret_file_that_is_empty_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    [line] = complaints(file, '[web]\ntoken_key_file = "key"')
    assert line == f"{file}: web.token_key_file: key is empty"


def test_the_file_is_the_one_given_else_that_of_the_environment_else_the_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config.find_file(None) is None
    (tmp_path / "digest.toml").write_text("")
    assert config.find_file(None) == Path("digest.toml")
    monkeypatch.setenv("DIGEST_CONFIG", "other.toml")
    assert config.find_file(None) == Path("other.toml")
    assert config.find_file(Path("given.toml")) == Path("given.toml")


def test_the_example_is_what_the_declarations_say() -> None:
    assert sample.example() == EXAMPLE.read_text(encoding="utf-8")


def test_the_example_is_loadable_and_holds_the_defaults() -> None:
    settings = config.load(EXAMPLE)
    lists = {name for name, field in config.Settings.model_fields.items() if get_args(field.annotation)}
    assert settings.model_copy(update={name: [] for name in lists}) == config.Settings()
    assert settings.channels == [smtp.Options()]


def test_the_example_names_every_key() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert tomllib.loads(text).keys() == config.Settings.model_fields.keys() - {"dkim"}
    assert "\n# [[dkim]]\n" in text
    for table in config.Settings.model_fields:
        for key in sample.keys_of(table):
            assert f"\n{key} = " in text or f"\n# {key} = " in text, f"{table}.{key}"


@pytest.mark.parametrize(
    "content",
    [
        f'[[channels]]\npassword = ["{SECRET}"]',
        f'[[channels]]\npassword = "{SECRET}"\nhots = "x"',
        f'[[channels]]\nhost = "mail.example.org"\nusername = "u"\npassword = "{SECRET}"\nsecurity = "none"',
        f'[[channels]]\npasword = "{SECRET}"',
        f'[web]\ntoken_key = ["{SECRET}"]',
        f'channels = "{SECRET}"',
        f'[[channels]]\npassword = "{SECRET}',
    ],
)
def test_no_error_repeats_a_secret(content: str, file: Path) -> None:
    assert SECRET not in "\n".join(complaints(file, content))


def test_no_error_about_the_environment_repeats_a_secret(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_CHANNELS", f'[{{"password": "{SECRET}"')
    assert SECRET not in "\n".join(complaints(file, ""))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET}@127.0.0.1:port/x",
        f"postgresql://u:a@b:{SECRET}@127.0.0.1/x",
        f"postgresql+nodriver://u:{SECRET}@127.0.0.1/x",
    ],
)
def test_no_error_about_the_database_repeats_its_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_engine(url)
    assert str(caught.value).startswith("database.url: ")
    assert SECRET not in str(caught.value)


def test_no_repr_shows_a_secret() -> None:
    channel = smtp.Options(password=SECRET, username="u")
    settings = config.Settings(
        channels=[channel],
        web=config.Web(token_key=KEY),
        database=config.Database(url=f"postgresql://u:{SECRET}@db.example.org/x"),
    )
    made = make_channel(channel)
    assert isinstance(made, SmtpChannel)
    assert made.options.password == SECRET
    for secret in (SECRET, KEY):
        assert secret not in f"{settings!r} {settings} {channel!r} {made.options!r} {made!r}"


# --- the door ---------------------------------------------------------------------------------------------------------


def test_with_a_wrong_key_no_command_starts_anything(tmp_path: Path) -> None:
    (tmp_path / "digest.toml").write_text('[database]\nurl = "sqlite:///mine.sqlite"\n[web]\nprot = 1\n')
    digest = Command(tmp_path)
    for line in (("db", "upgrade"), ("newsletter", "list"), ("serve",)):
        assert digest(*line, code=2) == "digest: digest.toml: web.prot: unknown key; did you mean port?\n"
    assert [path.name for path in tmp_path.iterdir()] == ["digest.toml"]


def test_a_database_url_with_a_broken_port_is_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "digest.toml").write_text(f'[database]\nurl = "postgresql://u:{SECRET}@127.0.0.1:port/x"\n')
    said = Command(tmp_path)("newsletter", "list", code=2)
    assert "database.url: the port is no number" in said
    assert SECRET not in said


def test_a_database_that_does_not_answer_is_exit_code_3_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "digest.toml").write_text(f'[database]\nurl = "postgresql://u:{SECRET}@127.0.0.1:1/x"\n')
    said = Command(tmp_path)("newsletter", "list", code=3)
    assert "postgresql://u:***@127.0.0.1:1/x cannot be opened" in said
    assert SECRET not in said


def test_the_option_wins_over_the_environment_and_that_over_the_folder(tmp_path: Path) -> None:
    for name in ("digest", "environment", "option"):
        (tmp_path / f"{name}.toml").write_text(f"[web]\n{name} = 1\n")
    digest = Command(tmp_path)
    environment = {"DIGEST_CONFIG": "environment.toml"}
    assert "digest.toml: web.digest: " in digest("config", "check", code=2)
    assert "environment.toml: web.environment: " in digest("config", "check", code=2, env=environment)
    assert "option.toml: web.option: " in digest("-c", "option.toml", "config", "check", code=2, env=environment)


def test_settings_that_are_right_are_said_to_be_so(tmp_path: Path) -> None:
    digest = Command(tmp_path)
    (tmp_path / "digest.toml").write_text(digest("config", "example"))
    assert digest("config", "check") == "digest.toml: fine\n"


@pytest.mark.parametrize(
    "headers",
    ['{ "Subject" = "other" }', '{ "X-A" = "two\\nlines" }', '{ "X-A" = "" }', '{ "X A" = "b" }', '{ "X-A" = "Ü" }'],
)
def test_a_header_of_a_relay_that_is_none_is_refused_by_name(headers: str, tmp_path: Path) -> None:
    file = tmp_path / "digest.toml"
    file.write_text(f"[[channels]]\nheaders = {headers}\n")
    with pytest.raises(ConfigError, match=r"channels.*headers"):
        config.load(file)
