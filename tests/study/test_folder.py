import multiprocessing

import pytest

from harness.errors import RunFolderError
from harness.study.folder import StudyFolder


def test_a_finished_study_is_not_written_over(tmp_path):
    with StudyFolder(tmp_path / "run") as folder:
        folder.write("result.json", "{}")
    with pytest.raises(RunFolderError, match="already holds a run"), StudyFolder(tmp_path / "run"):
        pass
    assert (tmp_path / "run" / "result.json").read_text() == "{}"


def test_replace_moves_the_old_study_aside(tmp_path):
    with StudyFolder(tmp_path / "run") as folder:
        folder.write("result.json", "old")
    with StudyFolder(tmp_path / "run", replace=True) as folder:
        folder.write("result.json", "new")
    assert (tmp_path / "run" / "result.json").read_text() == "new"
    assert (tmp_path / "run.before" / "result.json").read_text() == "old"


def _try(path, pipe):
    try:
        with StudyFolder(path):
            pipe.send("taken")
    except RunFolderError as error:
        pipe.send(error.message)


def test_two_runs_into_one_folder(tmp_path):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with StudyFolder(tmp_path / "run"):
        other = context.Process(target=_try, args=(tmp_path / "run", theirs))
        other.start()
        assert ours.poll(30)
        assert "is being written by another run" in ours.recv()
        other.join(10)
    with StudyFolder(tmp_path / "run"):
        pass


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot write"), StudyFolder(tmp_path / "file" / "run"):
        pass
