"""``harness broker ls|up|down|logs|install``; ``caps`` and ``probe`` are in ``proof``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from harness.brokers import commands
from harness.brokers.install import apply, plan_install
from harness.brokers.limits import limit_settings
from harness.brokers.registry import REGISTRY, missing_reason
from harness.cli import proof
from harness.cli.flags import Json
from harness.cli.output import DOCUMENT_VERSION, Progress, emit_json, plain, stdout_console
from harness.errors import BrokerMissing, UsageError
from harness.model.broker import BrokerInfo, Tier

broker_app = typer.Typer(name="broker", help="Start, stop, look at and install brokers.", no_args_is_help=True)

Backend = Annotated[str, typer.Option("--backend", help="process (a private local copy) or docker (a container).")]
Memory = Annotated[str | None, typer.Option("--memory", help="Limit of a container, for example 2GiB.")]
Cpus = Annotated[float | None, typer.Option("--cpus", help="Limit of a container, for example 1.5.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE, a server-side setting; repeatable.")]


def register(app: typer.Typer) -> None:
    proof.register(broker_app)
    app.add_typer(broker_app)


@broker_app.command("ls")
def list_brokers(as_json: Json = False) -> None:
    """The brokers that can be tested, and those that are up."""
    up = commands.ls()
    missing = {name: missing_reason(name) for name in REGISTRY}
    if as_json:
        rows = [{"name": name, "title": REGISTRY[name].title, "missing": reason} for name, reason in missing.items()]
        emit_json(
            {
                "document": "brokers",
                "version": DOCUMENT_VERSION,
                "brokers": rows,
                "up": [one.as_document() for one in up],
            }
        )
        return
    table = Table("broker", "", "can run here", box=None)
    for name, reason in missing.items():
        table.add_row(name, REGISTRY[name].title, reason or "yes")
    console = stdout_console()
    console.print(table)
    for one in up:
        state = "up" if one.alive else "gone"
        console.print(
            f"\n{one.instance} is {state} at {one.info.address}, tier {one.tier}; stop it: {one.stop_command}"
        )


@broker_app.command("up")
def up(
    name: Annotated[str, typer.Argument(help="pylog, rabbitmq, activemq, kafka or memory.")],
    tier: Annotated[Tier, typer.Option(help="Durability tier.")] = Tier.D1,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Exactly this port; otherwise a free one.")] = None,
    instance: Annotated[str | None, typer.Option("--name", help="A name of its own, for a second one.")] = None,
    backend: Backend = "process",
    memory: Memory = None,
    cpus: Cpus = None,
    settings: Settings = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Hold it until Ctrl-C instead of leaving it up.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Start a broker and leave it running, until ``harness broker down``."""
    chosen = _settings(settings) | limit_settings(memory, cpus)
    if foreground:
        with tempfile.TemporaryDirectory(prefix=f"harness-{name}-") as root:
            commands.hold(
                name, root=Path(root), tier=str(tier), settings=chosen, port=port, backend=backend, on_ready=_say_ready
            )
        return
    progress = Progress()
    progress(f"starting {name}")
    detached = commands.up(
        name, tier=str(tier), settings=chosen, port=port, instance=instance, backend=backend, say=progress
    )
    progress.done()
    if as_json:
        emit_json({"document": "broker", "version": DOCUMENT_VERSION, **detached.as_document()})
        return
    typer.echo(
        f"{detached.instance} ({detached.info.product} {detached.info.version}) is up at {detached.info.address}"
    )
    typer.echo(f"logs: harness broker logs {detached.instance}\nstop: {detached.stop_command}")


def _say_ready(info: BrokerInfo) -> None:
    typer.echo(f"{info.name} ({info.product} {info.version}) is up at {info.address}; Ctrl-C stops it")


@broker_app.command("down")
def down(
    name: Annotated[str | None, typer.Argument(help="Which one; see harness broker ls.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every one that is up.")] = False,
    wipe: Annotated[bool, typer.Option("--wipe", help="Forget its data too.")] = False,
    as_json: Json = False,
) -> None:
    """Stop brokers that ``up`` left running."""
    if (name is None) == (not all_):
        raise UsageError("name one broker, or say --all", next_command="harness broker ls")
    ended = commands.down_all(wipe=wipe) if name is None else [commands.down(name, wipe=wipe)]
    orphans = commands.remove_orphans() if name is None else []
    if as_json:
        documents = [one.as_document() for one in ended]
        emit_json(
            {"document": "brokers down", "version": DOCUMENT_VERSION, "brokers": documents, "containers": orphans}
        )
        return
    lines = [f"{one.instance} is down" for one in ended]
    lines += [f"{orphan}, the container of a run that is gone, is removed" for orphan in orphans]
    typer.echo("\n".join(lines) or "nothing was up")


@broker_app.command("logs")
def logs(
    name: Annotated[str, typer.Argument(help="Which one; see harness broker ls.")],
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, max=100_000)] = 100,
    as_json: Json = False,
) -> None:
    """The end of a broker's log."""
    text = commands.logs(name, lines)
    if as_json:
        emit_json({"document": "broker log", "version": DOCUMENT_VERSION, "instance": name, "lines": text})
    else:
        typer.echo("\n".join(text))


@broker_app.command("install")
def install(
    names: Annotated[list[str], typer.Argument(help="Brokers to get as private local copies.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Get brokers as private local copies. What is about to be installed is printed first; no system service is touched."""
    plan = plan_install(names)
    if as_json:
        steps = [{"title": step.title, "commands": step.commands, "size_mb": step.size_mb} for step in plan.steps]
        document = {"present": plan.present, "impossible": plan.impossible, "steps": plain(steps)}
        emit_json({"document": "install plan", "version": DOCUMENT_VERSION, **document})
    else:
        typer.echo("\n".join(plan.lines()))
    if dry_run or not plan.steps:
        raise typer.Exit(3 if plan.impossible else 0)
    if not yes and not typer.confirm("Go on?"):
        raise typer.Exit(1)
    progress = Progress()
    failures = apply(plan, progress)
    progress.done()
    if failures:
        raise BrokerMissing(
            "; ".join(f"{title}: {reason}" for title, reason in failures.items()), next_command="harness doctor"
        )


def _settings(texts: list[str] | None) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for text in texts or []:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set takes KEY=VALUE, got {text!r}")
        chosen[key] = value
    return chosen
