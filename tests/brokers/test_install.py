"""Plans, and what happens when a step goes wrong; the downloads themselves are what the installer is run for."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from harness.brokers import debian, install, missing_reason
from harness.brokers.doctor import doctor, resolve
from harness.brokers.install import InstallPlan, Step
from harness.brokers.places import cache_folder, compose_folder, state_folder
from harness.brokers.products import java
from harness.brokers.running import run
from harness.errors import BrokerMissing, UsageError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path))
    return tmp_path


def on_a_machine(
    monkeypatch: pytest.MonkeyPatch, *, java_found: bool, maven: bool, apt: bool, root: bool = True
) -> None:
    found = java.Java(Path("/usr/bin/java"), "17.0.1", 17) if java_found else None
    monkeypatch.setattr(java, "find_java", lambda environment=None: found)
    monkeypatch.setattr(install.shutil, "which", lambda name: f"/usr/bin/{name}" if maven or name != "mvn" else None)
    monkeypatch.setattr(debian, "available", lambda: apt)
    monkeypatch.setattr(debian, "root_prefix", lambda: [] if root else None)


def test_pylog_needs_nothing(home: Path) -> None:
    plan = install.plan_install(["pylog"])
    assert (plan.steps, plan.present) == ((), ("pylog",))


def test_an_empty_machine_gets_tools_first_and_every_command_is_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_machine(monkeypatch, java_found=False, maven=False, apt=True)
    plan = install.plan_install(["kafka", "activemq", "kafka"])
    assert [step.needs_root for step in plan.steps] == [True, False, False]
    text = "\n".join(plan.lines())
    assert "apt-get install -y -q --no-install-recommends maven default-jre-headless" in text
    assert ":copy-dependencies" in text
    assert str(compose_folder() / "maven" / "kafka" / "pom.xml") in text
    assert plan.size_mb > 100


def test_a_load_tool_is_only_jars(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_machine(monkeypatch, java_found=True, maven=True, apt=True)
    (step,) = install.plan_install(["perf-test"]).steps
    assert not step.needs_root
    assert str(compose_folder() / "maven" / "perf-test" / "pom.xml") in step.commands[0]
    jar = home / "cache" / "perf-test" / "2.22.1" / "libs" / "perf-test-2.22.1.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    assert install.plan_install(["perf-test"]).present == ("perf-test",)


def test_without_apt_the_reason_is_told_and_nothing_is_tried(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_machine(monkeypatch, java_found=False, maven=False, apt=False)
    plan = install.plan_install(["kafka", "rabbitmq", "pylog"])
    assert plan.steps == ()
    assert "maven and default-jre-headless must be installed first" in plan.impossible["kafka"]
    assert "apt-get" in plan.impossible["rabbitmq"] or plan.present == ("rabbitmq", "pylog")


def test_without_root_the_command_for_it_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_machine(monkeypatch, java_found=True, maven=False, apt=True, root=False)
    plan = install.plan_install(["kafka"])
    assert plan.steps == ()
    assert "as root: apt-get update && apt-get install maven" in plan.impossible["kafka"]


def test_an_unknown_broker_is_a_usage_error(home: Path) -> None:
    with pytest.raises(UsageError, match="did you mean kafka"):
        install.plan_install(["kafak"])
    assert install.main(["--brokers", "kafak", "--yes"]) == 2


def test_a_missing_broker_is_told_with_its_command(home: Path) -> None:
    reason = missing_reason("kafka")
    assert reason is not None
    assert "harness broker install kafka" in reason
    assert missing_reason("pylog") is None


def test_a_step_that_fails_keeps_nothing_else_from_being_done(home: Path) -> None:
    done: list[str] = []

    def fails(say: object) -> None:
        raise BrokerMissing("no network", next_command="x")

    steps = (Step("one", (), 0, False, fails), Step("two", (), 0, False, lambda say: done.append("two")))
    said: list[str] = []
    failures = install.apply(InstallPlan(steps, (), {}), said.append)
    assert done == ["two"]
    assert failures == {"one": "no network"}
    assert any("no network" in line for line in said)


def test_a_broken_copy_never_takes_the_place_of_a_good_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Maven 'succeeds' but half of a jar arrived."""
    on_a_machine(monkeypatch, java_found=True, maven=True, apt=True)

    def half(argv: list[str], log: Path, *, cwd: Path | None = None) -> str:
        libraries = Path(argv[-1].partition("=")[2])
        libraries.mkdir(parents=True)
        (libraries / install.MAVEN["kafka"].jars[0]).write_bytes(b"PK\x03\x04 half")
        return ""

    monkeypatch.setattr(install, "run", half)
    failures = install.apply(install.plan_install(["kafka"]), lambda text: None)
    assert "not a whole jar" in next(iter(failures.values()))
    assert not (cache_folder() / "kafka").exists()
    assert not list(cache_folder().glob(".new-*"))


def test_what_a_killed_installation_left_is_cleared_away(home: Path) -> None:
    (cache_folder() / ".new-abc" / "copy").mkdir(parents=True)
    install.apply(InstallPlan((), (), {}), lambda text: None)
    assert not (cache_folder() / ".new-abc").exists()


def test_a_whole_copy_replaces_an_older_one(home: Path) -> None:
    made, place = cache_folder() / ".new" / "copy", cache_folder() / "kafka" / "1"
    for folder, text in ((made, "new"), (place, "old")):
        (folder / "libs").mkdir(parents=True)
        with zipfile.ZipFile(folder / "libs" / "a.jar", "w") as jar:
            jar.writestr("x", text)
    install._verify_jars(made / "libs", ("a.jar",))
    install._move(made, place)
    with zipfile.ZipFile(place / "libs" / "a.jar") as jar:
        assert jar.read("x") == b"new"
    assert not made.exists()


def test_a_command_that_fails_shows_itself_and_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(BrokerMissing, match="status 3") as caught:
        run(["/bin/sh", "-c", "echo sorry; exit 3"], tmp_path / "log")
    assert "sorry" in caught.value.message
    assert caught.value.next_command == "/bin/sh -c 'echo sorry; exit 3'"
    assert "sorry" in (tmp_path / "log").read_text()
    with pytest.raises(BrokerMissing, match="no-such-program"):
        run(["no-such-program"], tmp_path / "log")


def test_only_erlang_rabbitmq_and_lacking_libraries_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {
        True: "Inst libc6 (2)\nInst erlang-base:amd64 (25)\nInst cron (3)\nInst rabbitmq-server (3.10)\n",
        False: "Inst libsctp1 (1)\nInst logrotate (3)\nInst erlang-base (25)\n",
    }
    monkeypatch.setattr(debian, "run", lambda argv, log: answers["Dir::State::status=/dev/null" in argv])
    assert debian.rabbitmq_packages([], tmp_path / "log") == ["erlang-base", "rabbitmq-server", "libsctp1"]
    answers[True] = ""
    with pytest.raises(BrokerMissing, match="no rabbitmq-server"):
        debian.rabbitmq_packages([], tmp_path / "log")


def test_places_follow_the_environment(tmp_path: Path) -> None:
    assert cache_folder({"HARNESS_HOME": str(tmp_path)}) == tmp_path / "cache"
    assert state_folder({"HARNESS_HOME": str(tmp_path)}) == tmp_path / "state"
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "messaging-harness"
    assert cache_folder({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "messaging-harness"
    assert state_folder({}) == Path.home() / ".local/state/messaging-harness"
    assert (compose_folder() / "maven" / "activemq" / "pom.xml").is_file()


def test_an_address_that_a_person_gave_comes_first() -> None:
    environment = {"HARNESS_KAFKA_URL": "there:9092"}
    assert resolve("kafka", "here:1", environment).url == "here:1"
    assert resolve("kafka", None, environment).url == "there:9092"
    assert resolve("kafka", None, {}).backend == "process"


def test_the_doctor_names_what_is_missing_and_one_command_for_it(home: Path) -> None:
    report = doctor(["pylog", "kafka", "activemq"])
    states = {check.name: check.available for check in report.brokers}
    assert states == {"pylog": True, "kafka": False, "activemq": False}
    assert not report.complete
    assert report.next_command == "harness broker install kafka activemq"
    assert report.as_document()["complete"] is False


def test_the_doctor_greets_an_external_address(home: Path) -> None:
    (check,) = doctor(["kafka"], {"HARNESS_KAFKA_URL": "127.0.0.1:1"}).brokers
    assert (check.available, check.backend) == (False, "external")
    assert "does not answer" in check.reason
    assert "HARNESS_KAFKA_URL" in check.next_command


def test_a_copy_of_an_earlier_version_with_fewer_jars_is_made_anew(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_machine(monkeypatch, java_found=True, maven=True, apt=True)
    libraries = cache_folder() / "activemq" / "6.3.1" / "libs"
    libraries.mkdir(parents=True)
    found = java.find_java()
    assert found is not None
    java.archive_path(libraries.parent, found).touch()
    (libraries / "activemq-broker-6.3.1.jar").touch()
    (step,) = install.plan_install(["activemq"]).steps
    assert ":copy-dependencies" in step.commands[0]
    (libraries / "activemq-jaas-6.3.1.jar").touch()
    assert install.plan_install(["activemq"]).present == ("activemq",)
