from harness.runner.gateway import Gateway


def test_an_effect_takes_place_once_however_many_workers_try(tmp_path):
    first, second = Gateway(tmp_path / "g.sqlite"), Gateway(tmp_path / "g.sqlite")
    assert first.perform(0, 1, 42)
    assert not second.perform(0, 1, 42)
    assert not first.perform(0, 1, 42)
    assert second.perform(1, 1, 42)  # another group's effect is another effect
    assert second.perform(0, 2, 42)
    first.close()
    second.close()
