"""From verdicts and cells to sentences a person can repeat, with the numbers they rest on. Pure.

What decides, in this order: a promise that was broken, a need that some brokers cannot meet, a difference beyond the noise. Where
nothing of the kind was found, that is the answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.model.result import BrokerColumn, Result, State, WorkloadRecord
from harness.model.verdict import Validity
from harness.reporting import notation
from harness.reporting.metrics import check as check_entry
from harness.reporting.scorecard import Judged, ScoreCell, ScoreRow, judged, rows_of
from harness.reporting.text import clause, feature_words, gist, sentence

_OF_A_PROMISE = "a broken promise"  # such a figure's story is told by the rule itself


@dataclass(frozen=True, slots=True)
class Answer:
    """``headline`` is one sentence; ``sentences`` carry the rest, most telling first."""

    workload: str
    headline: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join((self.headline, *self.sentences))


def answer_of(result: Result, workload: str) -> str:
    """The whole answer for one workload as text."""
    return answer(result, workload).text


def answers(result: Result) -> list[Answer]:
    return [answer(result, record.name) for record in result.workloads]


def answer(result: Result, workload: str) -> Answer:
    """Raises nothing: a result with holes gives an answer that names them."""
    record = next(record for record in result.workloads if record.name == workload)
    ran = _ran(result, workload)
    absent = _absent_sentences(result, workload, ran)
    if not ran:
        return Answer(workload, "Nothing was measured, so there is no answer.", tuple(absent))
    rows = rows_of(result, workload)
    broken = _broken_clauses(result, workload, ran)
    needs = _need_clauses(result, workload, ran)
    differences = _differences(rows, result)
    short = _need_clauses(result, workload, ran, brief=True)
    headline = _headline(ran, broken, short, differences, rows, _doubt_clause(result, workload, ran))
    rest = [sentence(text) for text in broken[1:]]
    rest += [sentence(text) for text in (needs if broken or needs[:1] != short[:1] else needs[1:])]
    rest += [sentence(text) for text in (differences if broken or needs else differences[1:])]
    rest += _durability_sentences(result, record, ran)
    rest += _emulation_sentences(result, workload, ran)
    rest += _invalid_sentences(rows, result)
    rest += _unknown_sentences(result, workload, ran)
    return Answer(workload, headline, tuple(dict.fromkeys([*rest, *absent])))


def _ran(result: Result, workload: str) -> list[BrokerColumn]:
    """Columns with at least one run of this workload that has something to say."""
    seen = {run.broker for run in result.runs if run.workload == workload and run.state == "done"}
    seen |= {cell.broker for cell in result.cells if cell.workload == workload and cell.value is not None}
    return [column for column in result.brokers if column.state == "run" and column.name in seen]


def _headline(
    ran: Sequence[BrokerColumn],
    broken: Sequence[str],
    needs: Sequence[str],
    differences: Sequence[str],
    rows: Sequence[ScoreRow],
    doubt: str,
) -> str:
    if broken:
        return sentence("A broken promise decides: " + broken[0] + doubt)
    if needs:
        quiet = _quiet_clause(rows)
        return sentence(needs[0] + (f"; {quiet}" if quiet else "") + doubt)
    if differences:
        return sentence(differences[0] + doubt)
    if len(ran) == 1:
        if doubt:
            return sentence(f"Only {ran[0].label} ran, and there is nothing to compare its figures with{doubt}")
        return f"Only {ran[0].label} ran: it broke no promise that was tested, and there is nothing to compare its figures with."
    if any(cell.state is State.WITHIN_NOISE for row in rows for cell in row.cells.values()):
        labels = notation.listing([column.label for column in ran])
        return sentence(f"Nothing decides: {labels} differ by no more than the noise{doubt}")
    return sentence(f"Nothing decides: no figure here could be compared between the brokers{doubt}")


def _quiet_clause(rows: Sequence[ScoreRow]) -> str:
    """``throughput out is within noise``: figures in which no broker that has a ratio is beyond the noise."""
    quiet: list[tuple[str, bool]] = []
    for row in rows:
        states = [cell.state for cell in row.cells.values() if cell.ratio is not None]
        if states and all(state is State.WITHIN_NOISE for state in states):
            quiet.append((row.short, any(cell.undecided for cell in row.cells.values())))
    return _near_words(quiet)


def _near_words(near: Sequence[tuple[str, bool]]) -> str:
    """``pylog is within noise, activemq is undecided`` from names and whether it is undecided for them."""
    parts = []
    for undecided, words in ((False, "within noise"), (True, "undecided")):
        names = [name for name, open_ in near if open_ is undecided]
        if names:
            parts.append(f"{notation.listing(names)} {'is' if len(names) == 1 else 'are'} {words}")
    return ", ".join(parts)


def _all_judged(result: Result, workload: str, ran: Sequence[BrokerColumn]) -> dict[str, list[Judged]]:
    """Checker -> one Judged a broker that has verdicts, checkers in the order of the result."""
    names = dict.fromkeys(verdict.checker for verdict in result.verdicts if verdict.workload == workload)
    table = {
        name: [one for column in ran if (one := judged(result, workload, name, column.name)) is not None]
        for name in names
    }
    return {name: found for name, found in table.items() if found}


def _label(result: Result, name: str) -> str:
    return next((column.label for column in result.brokers if column.name == name), name)


def _broken_clauses(result: Result, workload: str, ran: Sequence[BrokerColumn]) -> list[str]:
    """Broken promises, one clause a rule: "rabbitmq had 12 messages acknowledged and lost (2 of 3 runs); kafka had none"."""
    clauses = []
    for found in _all_judged(result, workload, ran).values():
        broken = [one for one in found if one.validity is Validity.INVALID and one.promised]
        if not broken:
            continue
        good = [_label(result, one.broker) for one in found if one.validity is Validity.VALID]
        clauses.append(_offences(result, broken) + (f"; {notation.listing(good)} had none" if good else ""))
    return clauses


def _offences(result: Result, broken: Sequence[Judged]) -> str:
    """``pylog (101, in 2 of 2 runs) and kafka (7, in 1 of 2 runs) had messages overtaken by lower classes``."""
    phrase = check_entry(broken[0].checker).broken
    if len(broken) == 1:
        one = broken[0]
        number = "messages" if one.broken is None else notation.count(one.broken, "message")
        runs = f" ({one.runs_broken} of {notation.count(one.runs, 'run')})" if one.runs > 1 else ""
        return f"{_label(result, one.broker)} had {number} {phrase}{runs}"
    parts = []
    for one in broken:
        figures = [] if one.broken is None else [f"{one.broken:,}"]
        figures += [f"{one.runs_broken} of {notation.count(one.runs, 'run')}"] if one.runs > 1 else []
        parts.append(_label(result, one.broker) + (f" ({', in '.join(figures)})" if figures else ""))
    return f"{notation.listing(parts)} had messages {phrase}"


def _need_clauses(result: Result, workload: str, ran: Sequence[BrokerColumn], *, brief: bool = False) -> list[str]:
    """Needs that some brokers meet and others cannot: "replay decides: kafka reads it all again; activemq cannot (why)"."""
    names = [column.name for column in ran]
    here = [row for row in result.capabilities if row.workload == workload and row.broker in names]
    clauses = []
    for feature in dict.fromkeys(row.feature for row in here):
        rows = [row for row in here if row.feature == feature]
        cannot = [row for row in rows if row.support == "impossible"]
        able = [row for row in rows if row.support != "impossible"]
        if not cannot:
            continue
        reasons: dict[str, list[str]] = {}
        for row in cannot:
            reasons.setdefault((gist if brief else clause)(row.why or row.how) or "no reason given", []).append(
                _label(result, row.broker)
            )
        why = "; ".join(f"{notation.listing(labels)} cannot ({reason})" for reason, labels in reasons.items())
        if able:
            can = notation.listing([_label(result, row.broker) for row in able])
            clauses.append(f"{feature_words(feature)} decides: {can} can, {why}")
        else:
            clauses.append(f"{feature_words(feature)}: {why}")
    return clauses


def _differences(rows: Sequence[ScoreRow], result: Result) -> list[str]:
    """One clause a figure: who is beyond the noise, and who is not. The largest difference comes first."""
    ranked: list[tuple[float, str]] = []
    mixed: list[str] = []
    quiet: list[tuple[str, bool]] = []
    for row in rows:
        apart = [c for c in row.cells.values() if c.state in (State.BETTER, State.WORSE) and c.ratio]
        near = [(_label(result, c.broker), c.undecided) for c in row.cells.values() if c.state is State.WITHIN_NOISE]
        if apart:
            apart.sort(key=lambda cell: -abs(math.log(cell.ratio or 1.0)))
            parts = [_ratio_words(cell, result) for cell in apart]
            base = _figure_words(row.cells[row.baseline]) if row.baseline in row.cells else "none"
            text = f"{row.short} against {_label(result, row.baseline)}'s {base}: {', '.join(parts)}"
            text += f"; {_near_words(near)}" if near else ""
            ranked.append((abs(math.log(apart[0].ratio or 1.0)), text))
        elif len({undecided for _, undecided in near}) > 1:
            mixed.append(f"{row.short}: {_near_words(near)}")
        elif near:
            quiet.append((row.short, near[0][1]))
    ranked.sort(key=lambda pair: -pair[0])
    clauses = [*(text for _, text in ranked), *mixed]
    if quiet:
        clauses.append(_near_words(quiet))
    return clauses


def _ratio_words(cell: ScoreCell, result: Result) -> str:
    """``pylog is better with 12.4 ms (0.59×, 0.54–0.66)``."""
    interval = notation.ratio_span(cell.ratio_low, cell.ratio_high)
    shown = notation.ratio(cell.ratio) + (f", {interval}" if interval else "")
    return f"{_label(result, cell.broker)} is {cell.word} with {_figure_words(cell)} ({shown})"


def _figure_words(cell: ScoreCell) -> str:
    """``430 ms while cold``."""
    return f"{cell.figure} while {cell.mark}" if cell.mark else cell.figure


_FAULT_WORDS = {
    "pause": ("pause", "pauses"),
    "cut": ("cut of the link", "cuts of the link"),
    "slow": ("slowing of the link", "slowings of the link"),
    "fill": ("full disk", "full disks"),
}


def _durability_sentences(result: Result, record: WorkloadRecord, ran: Sequence[BrokerColumn]) -> list[str]:
    """What the kill -9 of every run showed, with the tier, and how little so few kills can rule out."""
    found = [one for column in ran if (one := judged(result, record.name, "durability", column.name)) is not None]
    kept = [one for one in found if one.validity is Validity.VALID]
    if not kept:
        return []
    labels = notation.listing([_label(result, one.broker) for one in kept])
    runs = min(one.runs for one in kept)
    kills = min(_kills(result, record.name, one.broker) for one in kept)
    acknowledged = [one.counts["acknowledged"] for one in kept if "acknowledged" in one.counts]
    extent = notation.count(runs, "run") + (" each" if len(kept) > 1 else "")
    if acknowledged:
        least = "at least " if len(kept) > 1 else ""
        extent += f", {least}{notation.count(min(acknowledged), 'acknowledged message')}"
    others = _other_faults(result, record.name, [one.broker for one in kept])
    if not kills and others:
        return [
            f"Through {notation.listing(others)} at tier {record.tier}, {labels} lost nothing acknowledged ({extent})."
        ]
    if not kills:
        return [f"At tier {record.tier}, without a kill that bit, {labels} lost nothing acknowledged ({extent})."]
    bound = 1 - 0.05 ** (1 / kills)
    rule = f"{notation.count(kills, 'kill')} a broker {'rules' if kills == 1 else 'rule'}"
    text = (
        f"Killed with −9 under load at tier {record.tier}, {labels} lost nothing acknowledged ({extent}); {rule} out, "
        f"with 95 % confidence, only a chance of loss above {notation.percent(bound)} a kill."
    )
    return [text]


def _kills(result: Result, workload: str, broker: str) -> int:
    runs = [run for run in result.runs if (run.workload, run.broker) == (workload, broker)]
    return sum(fault.kind == "kill" and fault.bit for run in runs for fault in run.faults)


def _other_faults(result: Result, workload: str, brokers: Sequence[str]) -> list[str]:
    """What else bit every one of these brokers, in words, with the least number of times."""
    seen = [
        Counter(
            fault.kind
            for run in result.runs
            if (run.workload, run.broker) == (workload, broker)
            for fault in run.faults
            if fault.bit and fault.kind in _FAULT_WORDS
        )
        for broker in brokers
    ]
    common = set.intersection(*(set(one) for one in seen)) if seen else set()
    return [
        notation.count(min(one[kind] for one in seen), *words) for kind, words in _FAULT_WORDS.items() if kind in common
    ]


def _emulation_sentences(result: Result, workload: str, ran: Sequence[BrokerColumn]) -> list[str]:
    """Who emulates what; brokers that emulate the same share a sentence."""
    grouped: dict[tuple[str, ...], list[str]] = {}
    for column in ran:
        rows = [r for r in result.capabilities if (r.workload, r.broker) == (workload, column.name)]
        features = tuple(feature_words(row.feature) for row in rows if row.support == "emulated")
        if features:
            grouped.setdefault(features, []).append(column.label)
    return [
        f"Emulated for {notation.listing(labels)}: {notation.listing(features)}."
        for features, labels in grouped.items()
    ]


def _invalid_sentences(rows: Iterable[ScoreRow], result: Result) -> list[str]:
    """Figures that must not be used: "end to end p99 of rabbitmq is invalid: generator lag ..."."""
    texts = []
    for row in rows:
        for cell in row.cells.values():
            where = f"The {row.short} of {_label(result, cell.broker)}"
            if row.kind == "figure" and cell.state is State.INVALID and _OF_A_PROMISE not in cell.reason:
                texts.append(f"{where} is invalid: {clause(cell.reason) or 'no reason given'}.")
            elif cell.state is State.LOWER_BOUND:
                texts.append(f"{where} is a lower bound: {clause(cell.reason) or 'the client gave out first'}.")
    return texts


def _unknown_sentences(result: Result, workload: str, ran: Sequence[BrokerColumn]) -> list[str]:
    """Rules that could not be judged; those of one reason together, and brokers of which the same is unknown."""
    by_broker: dict[tuple[str, str], list[str]] = {}
    for name, found in _all_judged(result, workload, ran).items():
        for one in found:
            if one.validity is Validity.UNKNOWN:
                key = (_label(result, one.broker), clause(one.summary))
                by_broker.setdefault(key, []).append(f"“{check_entry(name).short}”")
    merged: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (label, reason), names in by_broker.items():
        merged.setdefault((tuple(names), reason), []).append(label)
    return [
        f"Unknown for {notation.listing(labels)}: {notation.listing(names)} ({reason})."
        for (names, reason), labels in merged.items()
    ]


def _doubt_clause(result: Result, workload: str, ran: Sequence[BrokerColumn]) -> str:
    """Whose losses could not be told: that belongs beside any headline."""
    unknown = [
        column.label
        for column in ran
        if (one := judged(result, workload, "durability", column.name)) is not None and one.validity is Validity.UNKNOWN
    ]
    return f"; whether {notation.listing(unknown)} lost anything could not be told" if unknown else ""


def _absent_sentences(result: Result, workload: str, ran: Sequence[BrokerColumn]) -> list[str]:
    present = {column.name for column in ran}
    texts = []
    for column in result.brokers:
        if column.name in present:
            continue
        failed = next((r for r in result.runs if (r.workload, r.broker) == (workload, column.name) and r.error), None)
        reason = column.reason if column.state == "not_run" else (failed.error if failed else "it has no finished run")
        what = "was not run" if failed is None or column.state == "not_run" else "failed and gave no figure"
        texts.append(f"{column.label} {what}: {clause(reason) or 'no reason given'}.")
    return texts
