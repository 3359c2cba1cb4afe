"""Access rules: what wins over what, patterns, implied operations, and the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.pylog_broker.security.acl import (
    Authorizer,
    Filter,
    Operation,
    Pattern,
    Permission,
    Resource,
)
from harness.pylog_broker.security.acl_file import AclFileError, load, parse

ALICE, BOB, HOST = "User:alice", "User:bob", "10.0.0.1"


def allows(text: str, principal: str, operation: Operation, name: str, **settings: object) -> bool:
    resource = settings.pop("resource", Resource.TOPIC)
    return Authorizer(parse(text, "rules"), **settings).allows(principal, HOST, operation, resource, name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "principal", "operation", "name", "expected"),
    [
        ("", ALICE, Operation.READ, "orders", False),
        ("allow User:alice READ topic orders", ALICE, Operation.READ, "orders", True),
        ("allow User:alice READ topic orders", BOB, Operation.READ, "orders", False),
        ("allow User:alice READ topic orders", ALICE, Operation.WRITE, "orders", False),
        ("allow User:alice READ topic orders", ALICE, Operation.READ, "orders2", False),
        ("allow User:alice READ topic orders*", ALICE, Operation.READ, "orders2", True),
        ("allow User:alice READ topic *", ALICE, Operation.READ, "anything", True),
        ("allow User:* READ topic *", BOB, Operation.READ, "anything", True),
        ("allow User:alice READ group orders", ALICE, Operation.READ, "orders", False),
        ("allow User:alice READ topic orders from 10.0.0.2", ALICE, Operation.READ, "orders", False),
        ("allow User:alice READ topic orders from 10.0.0.1", ALICE, Operation.READ, "orders", True),
        ("allow User:alice READ topic orders", ALICE, Operation.DESCRIBE, "orders", True),
        ("allow User:alice DESCRIBE topic orders", ALICE, Operation.READ, "orders", False),
        ("allow User:alice ALTER_CONFIGS topic a", ALICE, Operation.DESCRIBE_CONFIGS, "a", True),
        ("allow User:alice ALL topic a", ALICE, Operation.DELETE, "a", True),
        ("allow User:alice ALL topic *\ndeny User:alice ALL topic a", ALICE, Operation.READ, "a", False),
        ("allow User:alice ALL topic a\ndeny User:* WRITE topic a*", ALICE, Operation.WRITE, "ab", False),
        ("allow User:alice ALL topic a\ndeny User:alice READ topic a", ALICE, Operation.DESCRIBE, "a", True),
    ],
)
def test_a_decision(text: str, principal: str, operation: Operation, name: str, expected: bool) -> None:
    assert allows(text, principal, operation, name) is expected


def test_super_users_and_resources_without_rules() -> None:
    assert allows("deny User:* ALL topic *", ALICE, Operation.READ, "a", super_users=frozenset({ALICE}))
    assert allows("deny User:* ALL topic b", ALICE, Operation.READ, "a", open_without_rule=True)
    assert not allows("allow User:bob ALL topic a", ALICE, Operation.READ, "a", open_without_rule=True)


def test_without_rules_everything_is_open() -> None:
    assert Authorizer(None).allows("User:ANONYMOUS", HOST, Operation.WRITE, Resource.TOPIC, "a")


def test_any_resource_of_a_kind() -> None:
    write = (ALICE, HOST, Operation.WRITE, Resource.TOPIC)
    assert Authorizer(parse("allow User:alice WRITE topic a*", "")).allows_any(*write)
    assert not Authorizer(parse("allow User:alice READ topic a", "")).allows_any(*write)
    assert not Authorizer(parse("allow User:alice WRITE topic ab\ndeny User:alice WRITE topic a*", "")).allows_any(
        *write
    )
    assert not Authorizer(parse("allow User:alice WRITE topic *\ndeny User:* ALL topic *", "")).allows_any(*write)


def test_operations_as_bits() -> None:
    bits = Authorizer(parse("allow User:alice READ topic a", "")).operations(ALICE, HOST, Resource.TOPIC, "a")
    assert bits == 1 << Operation.READ | 1 << Operation.DESCRIBE


def test_a_filter_takes_what_its_pattern_says() -> None:
    rules = parse("allow User:a READ topic orders\nallow User:a READ topic ord*\nallow User:a READ topic *", "")

    def taken(name: str | None, pattern: Pattern) -> set[str]:
        asked = Filter(Resource.TOPIC, name, pattern, None, None, Operation.ANY, Permission.ANY)
        return {rule.name for rule in rules if asked.takes(rule)}

    assert taken("orders", Pattern.LITERAL) == {"orders"}
    assert taken("orders", Pattern.MATCH) == {"orders", "ord", "*"}
    assert taken("ord", Pattern.PREFIXED) == {"ord"}
    assert taken(None, Pattern.ANY) == {"orders", "ord", "*"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("permit User:a READ topic x", "allow or deny"),
        ("allow alice READ topic x", "User:NAME"),
        ("allow User:a PEEK topic x", "READ"),
        ("allow User:a READ queue x", "topic, group"),
        ("allow User:a READ topic", "a rule is"),
        ("allow User:a READ topic x y z", "a rule is"),
    ],
)
def test_a_mistake_names_its_line(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "rules"
    file.write_text(f"# fine\n\n{line}\n")
    with pytest.raises(AclFileError, match="rules:3: ") as failure:
        load(file)
    assert words in str(failure.value)


def test_the_cluster_needs_no_name() -> None:
    (rule,) = parse("allow User:a CREATE cluster  # may make topics", "")
    assert (rule.resource, rule.name) == (Resource.CLUSTER, "kafka-cluster")
