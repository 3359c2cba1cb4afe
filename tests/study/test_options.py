"""Columns of a study: a broker named twice is compared with itself."""

import pytest

from harness.errors import UsageError
from harness.study.options import parse_broker, with_twins


def labels(*names, aa=False):
    return [choice.label for choice in with_twins([parse_broker(name, {}) for name in names], twin_of_first=aa)]


def test_twins():
    assert labels("pylog", "kafka") == ["pylog", "kafka"]
    assert labels("pylog", "pylog") == ["pylog", "pylog#2"]
    assert labels("rabbitmq", "pylog", aa=True) == ["rabbitmq", "pylog", "rabbitmq#2"]
    with pytest.raises(UsageError, match="more than twice"):
        labels("pylog", "pylog", aa=True)
    with pytest.raises(UsageError, match="at least one"):
        labels()
