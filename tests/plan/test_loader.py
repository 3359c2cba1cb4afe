import pytest

from harness.errors import WorkloadError
from harness.plan.bundled import find_workload, workload_files
from harness.plan.loader import load_workload, parse_workload

GOOD = """\
question: Does the smallest workload load at all?
messages:
  size: 100B
needs:
  groups: {one: 1}
phases:
  - {name: only, paced: 10/s, for: 1s}
"""


def _load(text):
    return parse_workload(text, name="small", path="small.yaml").workload


def test_every_workload_that_ships_is_sound():
    names = workload_files()
    assert {"clickstream_fanout", "iot_fleet", "priority_tasks", "password_reset"} <= set(names)
    for path in names.values():
        assert load_workload(path).workload.name == path.stem


def test_smallest_workload():
    workload = _load(GOOD)
    assert workload.name == "small"
    assert workload.phases[0].kind == "paced"


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("  size: 100B", "  sise: 100B", "small.yaml:3: messages.sise: unknown key; did you mean 'size'?"),
        (
            "groups: {one: 1}",
            "groups: {one: 1}\n  durabilty: D1",
            "small.yaml:6: needs.durabilty: unknown key; did you mean 'durability'?",
        ),
        ("for: 1s", "fro: 1s", "did you mean 'for'?"),
        ("paced: 10/s", "paced: 10", "small.yaml:7: phases.0.paced: expected a rate such as 2k/s"),
        ("size: 100B", "size: big", "small.yaml:3: messages.size: expected a size such as 1KiB"),
        ("for: 1s", "for: 1s, flood: {}", "small.yaml:7: phases.0: a phase is exactly one of"),
        (
            "groups: {one: 1}",
            "groups: {one: 0}",
            "small.yaml:5: needs.groups.one: Input should be greater than or equal to 1",
        ),
        ("question:", "name: x\nquestion:", "small.yaml:1: the name is the file's name"),
        ("  size: 100B", "  size: 100B\n  size: 200B", "small.yaml:4: the key 'size' stands here twice"),
        ("groups: {one: 1}", "groups: {one: 1}\n  order: per_key", "there is no key to keep order within"),
        ("groups: {one: 1}", "groups: {one: 1}\n  replay: {group: two}", "replay names group 'two'"),
        ("size: 100B", "size: 100B\n  failures: {poison: 1%}", "messages.failures need needs.retry"),
        ("for: 1s", "for: 1s, fault: {kill: broker, at: 2s}", "comes after the phase ended"),
        ("for: 1s", "for: 1s, fault: {cut: link, at: 0s}", "a fault with cut needs 'for'"),
        ("for: 1s", "for: 1s, fault: {slow: link, at: 0s, for: 1s}", "needs a delay, a rate or both"),
        ("for: 1s", "for: 1s, fault: {slow: link, at: 0s, for: 1s, rate: 1MiB}", "bytes a second such as 1MiB/s"),
        ("for: 1s", "for: 1s, fault: {kill: broker, at: 0s, delay: 1s}", "'delay' belongs to slow, not to kill"),
        ("for: 1s", "for: 1s, fault: {pause: broker, cut: link, at: 0s, for: 1s}", "a fault names exactly one of"),
        ("for: 1s", "for: 1s, fault: {pause: broker, at: 500ms, for: 1s}", "the fault lasts until 1.5s"),
        ("for: 1s", "for: 1s, fault: {fill: disk, at: 0s, for: 1s, size: 1MiB}", "a size between 64MiB and 8GiB"),
        ("for: 1s", "for: 1s, fault: {pause: broker, at: 0s, fro: 1s}", "did you mean 'for'?"),
        ("question: Does the smallest workload load at all?\n", "", "the key 'question' is missing"),
    ],
)
def test_complaints_name_file_line_and_nearest_key(before, after, complaint):
    with pytest.raises(WorkloadError) as caught:
        _load(GOOD.replace(before, after))
    assert complaint in caught.value.message
    assert caught.value.next_command == "harness workload check small.yaml" or "twice" in complaint


LAUGHS = "a: &a [x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{name}: &{name} [{','.join(['*' + before] * 8)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("text", ["", "- a", "a: [", LAUGHS, "a: &x [*x]", "? {a: b}\n: c", "[" * 3000])
def test_anything_else_is_an_error_too(text):
    with pytest.raises(WorkloadError):
        _load(text)


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(WorkloadError, match="did you mean clickstream_fanout"):
        find_workload("clickstream_fanuot")
    with pytest.raises(WorkloadError, match="no workload file"):
        find_workload("./nowhere.yaml")


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(WorkloadError, match="larger than 1 MiB"):
        load_workload(path)
