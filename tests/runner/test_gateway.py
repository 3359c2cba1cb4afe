import multiprocessing

from harness.runner.gateway import Gateway

WORKERS, GATEWAYS = 4, 25


def test_an_effect_takes_place_once_however_many_workers_try(tmp_path):
    first, second = Gateway(tmp_path / "g.sqlite"), Gateway(tmp_path / "g.sqlite")
    assert first.perform(0, 1, 42)
    assert not second.perform(0, 1, 42)
    assert not first.perform(0, 1, 42)
    assert second.perform(1, 1, 42)  # another group's effect is another effect
    assert second.perform(0, 2, 42)
    first.close()
    second.close()


def _open_each(folder, together, said):
    for number in range(GATEWAYS):
        together.wait()
        try:
            gateway = Gateway(folder / f"{number}.sqlite")
            said.put(gateway.perform(0, 1, number))
            gateway.close()
        except Exception as error:
            said.put(repr(error))


def test_workers_that_start_at_once_may_all_open_it(tmp_path):
    """A new file's journal is changed by whoever comes first; SQLite does not make the others wait for that."""
    context = multiprocessing.get_context("spawn")
    together, said = context.Barrier(WORKERS), context.Queue()
    workers = [context.Process(target=_open_each, args=(tmp_path, together, said)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    found = [said.get(timeout=60) for _ in range(WORKERS * GATEWAYS)]
    for worker in workers:
        worker.join()
    assert {answer for answer in found if isinstance(answer, str)} == set()
    assert found.count(True) == GATEWAYS, "each effect took place once"
