"""``harness broker caps`` and ``harness broker probe``: what each broker can do, by version, and the probes that show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from harness.brokers.registry import UNDER_TEST, product
from harness.cli.flags import Json
from harness.cli.output import DOCUMENT_VERSION, Progress, emit_json, stdout_console
from harness.errors import BrokerMissing, UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.workload import Needs

DIFFERS = 1


def register(broker_app: typer.Typer) -> None:
    broker_app.command("caps")(caps)
    broker_app.command("probe")(probe)


def caps(
    names: Annotated[list[str] | None, typer.Argument(help="Brokers, with their shape (rabbitmq:quorum); all of them when unset.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """What each broker can do, by version: natively, emulated (how) or not at all (why), and what proves it; named ones with the facts."""
    rows = [row for name in names or _every_shape() for row in _rows(name)]
    facts = _facts(sorted({name.partition(":")[0] for name in names or UNDER_TEST}))
    if as_json:
        emit_json({"document": "capabilities", "version": DOCUMENT_VERSION, "capabilities": rows, "proven": facts})
        return
    for name in dict.fromkeys(row["broker"] for row in rows):
        _print_capabilities(name, [row for row in rows if row["broker"] == name])
    if names:
        _print_facts(facts)
    else:
        typer.echo(
            "\nthe facts behind it: harness broker caps rabbitmq; ask a broker again: harness broker probe rabbitmq"
        )


def _print_capabilities(name: str, rows: Sequence[dict[str, str]]) -> None:
    """A version stands in a row only where not all answer alike."""
    every = ", ".join(dict.fromkeys(row["version"] for row in rows))
    table = Table("feature", "support", "how, or why not", "proven by", box=None, title=f"\n{name} {every}".rstrip())
    for one in _merged(rows):
        text = "; ".join(part for part in (one["how"], one["why"]) if part)
        only = "" if one["version"] == every else f" ({one['version']})"
        table.add_row(one["feature"] + only, one["support"], text, one["proof"])
    stdout_console().print(table)


def _every_shape() -> list[str]:
    """The brokers under test in each shape that the contract suite runs; clients of one broker share their capabilities."""
    from harness.adapters.registry import REGISTRY, adapter_for
    from harness.study.options import BROKERS

    names = []
    for broker in UNDER_TEST:
        bare = BROKERS[broker][1]
        variants = REGISTRY[adapter_for(broker)].variants
        shapes = [(key, value) for variant in variants for key, value in variant.items() if key != "client"]
        names += [broker, *(f"{broker}:{value if key == bare else f'{key}={value}'}" for key, value in shapes)]
    return names


def _rows(name: str) -> list[dict[str, str]]:
    """One row a version and feature: the versions that were asked, and the one that is here."""
    from harness.adapters.probes import PROBES
    from harness.adapters.proven import all_proven
    from harness.adapters.registry import create_adapter
    from harness.study.options import parse_broker

    choice = parse_broker(name.replace("+", ","), {})
    asked = {one.version: one for one in all_proven(choice.broker)}
    adapter = create_adapter(choice.adapter, choice.settings)
    rows = []
    for version in dict.fromkeys((*asked, _local_version(choice.broker))):
        if not version and asked:
            continue
        info = BrokerInfo(choice.broker, choice.broker, version, "127.0.0.1", 0, "none")
        shape = adapter.plan(info, Needs(groups={"any": 1}), Tier.D1, "x").shape
        for feature, row in adapter.capabilities(info).items():
            probes = asked[version].probes_for(feature, shape) if version in asked else ()
            rows.append(
                {
                    "broker": name, "version": version, "feature": str(feature), "support": str(row.support),
                    "how": row.how, "why": row.why, "proof": ", ".join(probes), "probe": PROBES.get(feature, ""),
                }
            )  # fmt: skip
    return rows


def _merged(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Versions that answer alike in one row; those that were not asked say so."""
    same: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("broker", "feature", "support", "how", "why"))
        same.setdefault(key, []).append(row)
    merged = []
    for alike in same.values():
        proofs = dict.fromkeys(row["proof"] for row in alike if row["proof"])
        merged.append(
            alike[0]
            | {
                "version": ", ".join(row["version"] for row in alike),
                "proof": "; ".join(proofs) or "the contract suite",
            }
        )
    return merged


def _facts(brokers: Sequence[str]) -> list[dict[str, object]]:
    from harness.adapters.proven import all_proven

    return [one.as_document() for broker in brokers for one in all_proven(broker)]


def _print_facts(documents: Sequence[dict[str, object]]) -> None:
    """One table a broker: a row a fact, a column a version."""
    from harness.adapters.proven import all_proven, fact_text

    for broker in dict.fromkeys(str(document["broker"]) for document in documents):
        proven = all_proven(broker)
        table = Table("probe", "fact", *(one.version for one in proven), box=None, title=f"\nproven on {broker}")
        for name in dict.fromkeys(name for one in proven for name in one.answers):
            facts = dict.fromkeys(fact for one in proven for fact in one.answers.get(name, {}))
            for fact in facts:
                table.add_row(name, fact, *(fact_text(one.answers.get(name, {}).get(fact, "-")) for one in proven))
        stdout_console().print(table)


def _local_version(name: str) -> str:
    try:
        return product(name).locate().version
    except BrokerMissing:
        return ""


def probe(
    name: Annotated[str, typer.Argument(help="rabbitmq, activemq or kafka.")],
    backend: Annotated[str, typer.Option(help="process or docker.")] = "process",
    url: Annotated[str | None, typer.Option(help="The address of one that runs already; what is made there is removed.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A probe by name; repeatable.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the answers down beside the adapters.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Ask a real broker what the adapters rely on, and compare with what was written down for its version."""
    from harness.adapters.proven import differences, fact_text, proven_for
    from harness.bench.probing import ask

    if write and only:
        raise UsageError("--write takes the answers of all probes", next_command=f"harness broker probe {name} --write")
    progress = Progress()
    fresh = ask(name, backend=backend, url=url, only=only or [], say=progress)
    progress.done()
    known = proven_for(fresh.broker, fresh.version)
    changed = differences(known, fresh) if known is not None else []
    if only:
        changed = [line for line in changed if not line.endswith("was not asked this time")]
    if as_json:
        emit_json({**fresh.as_document(), "differences": changed})
    else:
        table = Table("probe", "fact", f"{fresh.product} {fresh.version}", box=None)
        for probed, facts in fresh.answers.items():
            for fact, value in facts.items():
                table.add_row(probed, fact, fact_text(value))
        stdout_console().print(table)
    if write:
        typer.echo(f"written: {fresh.write()}", err=True)
    elif known is None:
        typer.echo(f"nothing is written down for {fresh.product} {fresh.version}", err=True)
    elif changed:
        typer.echo("\n".join([f"differs from what was proven on {known.version}:", *changed]), err=True)
        raise typer.Exit(DIFFERS)
    else:
        typer.echo(f"as proven on {known.product} {known.version}", err=True)
