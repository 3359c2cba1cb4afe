"""Settings of security: listeners, JAAS texts, and what does not go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.pylog_broker.config import ConfigError, build_config
from harness.pylog_broker.handlers.config_entries import static_entries
from harness.pylog_broker.security.listeners import Protocol, parse_listeners
from harness.pylog_broker.security.users import UsersFileError, load_users

JAAS = "listener.name.inside.plain.sasl.jaas.config"


def test_listeners_have_names_protocols_and_advertised_addresses() -> None:
    first, second = parse_listeners(
        "INSIDE://127.0.0.1:9092,SASL_SSL://[::1]:0", "INSIDE://broker.example:19092", "INSIDE:SASL_PLAINTEXT"
    )
    assert first == ("INSIDE", Protocol.SASL_PLAINTEXT, "127.0.0.1", 9092, ("broker.example", 19092))
    assert second == ("SASL_SSL", Protocol.SASL_SSL, "::1", 0, None)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("listeners", "127.0.0.1:9092", "NAME://HOST:PORT"),
        ("listeners", "INSIDE://127.0.0.1:9092", "INSIDE:SASL_SSL"),
        ("listeners", "PLAINTEXT://127.0.0.1:1,PLAINTEXT://127.0.0.1:2", "twice"),
        ("listeners", "SSL://127.0.0.1:9092", "ssl.keystore.location"),
        ("listeners", ",", "at least one"),
        ("sasl.enabled.mechanisms", "GSSAPI", "SCRAM-SHA-256"),
        ("ssl.client.auth", "perhaps", "'required'"),
        ("super.users", "admin", "User:admin"),
        ("connection.failed.authentication.delay.ms", "-1", "0 .. 10000"),
        ("authorizer.class.name", "kafka.Custom", "StandardAuthorizer"),
        (JAAS, "nonsense", "PlainLoginModule"),
        ("listener", "x", "did you mean"),
    ],
)
def test_a_mistake_names_the_setting_and_a_remedy(name: str, value: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word.replace(".", r"\.")):
        build_config({name: value})


def test_users_of_a_jaas_text_and_no_secret_is_shown() -> None:
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    config = build_config({JAAS: f'{module} required user_alice="a\\"b" user_bob="c d";', "ssl.key.password": "hush"})
    assert config.security.jaas_users == {"alice": 'a"b', "bob": "c d"}
    shown = "".join(entry.value for entry in static_entries(config)) + repr(config.security)
    assert "hush" not in shown
    assert "c d" not in shown


def test_a_users_file(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("# people\nalice = secret = word\n\nbob=x\n")
    assert load_users(file) == {"alice": "secret = word", "bob": "x"}
    file.write_text("alice\n")
    with pytest.raises(UsersFileError, match=r"users:1: a line is `name = password`"):
        load_users(file)
    with pytest.raises(UsersFileError, match="cannot be read"):
        load_users(tmp_path / "missing")
