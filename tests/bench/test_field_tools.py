"""What the field's tools print, read as figures: their own words, as recorded from them."""

import pytest

from harness.bench.driver import Row, table
from harness.bench.field_tools import parse_kafka_consumer, parse_kafka_producer, parse_perf_test
from harness.errors import BrokerUnavailable

PERF_TEST = """\
id: test-1, starting consumer #0
id: test-1, time 1.000 s, sent: 2000 msg/s, returned: 0 msg/s, confirmed: 1000 msg/s, nacked: 0 msg/s, received: 900 msg/s
id: test-1, time 2.000 s, sent: 9000 msg/s, returned: 0 msg/s, confirmed: 8000 msg/s, nacked: 0 msg/s, received: 7000 msg/s
id: test-1, time 3.001 s, sent: 9000 msg/s, returned: 0 msg/s, confirmed: 10000 msg/s, nacked: 0 msg/s, received: 9000 msg/s
id: test-1, time 4.001 s, sent: 9000 msg/s, returned: 0 msg/s, confirmed: 12000 msg/s, nacked: 0 msg/s, received: 11000 msg/s
id: test-1, sending rate avg: 8000 msg/s
"""
PRODUCER = """\
1000 records sent, 1000.0 records/sec (0.95 MB/sec), 10.5 ms avg latency, 211.0 ms max latency.
5000 records sent, 5000.0 records/sec (4.77 MB/sec), 10.5 ms avg latency, 211.0 ms max latency.
7000 records sent, 7000.0 records/sec (6.68 MB/sec), 10.5 ms avg latency, 211.0 ms max latency.
13100 records sent, 4366.7 records/sec (4.16 MB/sec), 10.00 ms avg latency, 211.00 ms max latency, 9 ms 50th, 211 ms 99.9th.
"""
CONSUMER = """\
2026-01-02 10:00:00:000, 0, 0.0000, 0.0000, 0, 0.0000, 3000, 0, 0.0000, 0.0000
2026-01-02 10:00:01:000, 0, 1.0000, 1.0000, 1000, 1000.0000, 0, 500, 1.0000, 2000.0000
2026-01-02 10:00:02:000, 0, 2.0000, 1.0000, 3000, 2000.0000, 0, 500, 1.0000, 4000.0000
2026-01-02 10:00:03:000, 0, 9.0000, 9.0000, 9000, 6000.0000, 0, 500, 9.0000, 12000.0000
"""


def test_perf_test_after_its_warm_up():
    rates = parse_perf_test(PERF_TEST, 2)
    assert (rates.confirmed, rates.received) == (11000, 10000)


def test_the_kafka_producer_after_its_warm_up_or_whole():
    assert parse_kafka_producer(PRODUCER, 2).confirmed == 7000
    assert parse_kafka_producer(PRODUCER, 9).confirmed == 4366.7


def test_the_kafka_consumer_from_its_first_message_on():
    assert parse_kafka_consumer(CONSUMER, 1.0).received == 6000
    assert parse_kafka_consumer(CONSUMER, 9.0).received == 4000


@pytest.mark.parametrize("parse", [parse_perf_test, parse_kafka_producer, parse_kafka_consumer])
def test_a_tool_that_failed_is_not_a_rate(parse):
    with pytest.raises(BrokerUnavailable, match="printed no r"):
        parse("Exception in thread main", 1)


def test_a_ratio_below_its_floor_is_said():
    row = Row(
        "adapter against tool",
        100,
        0.7,
        "settings",
        (60.0, 80.0, 50.0),
        (100.0, 100.0, 100.0),
        (1.0, 1.0, 1.0),
        (2.0, 2.0, 2.0),
    )
    document = {
        "rows": [row.as_dict(), {"question": "kafka", "state": "not run", "reason": "no Java", "next": "get it"}]
    }
    assert row.as_dict()["ratio_median"] == 0.6
    assert (
        "ratio 0.60 (0.50 to 0.80, 3 pairs), processor time a message 1 and 2 µs; at least 0.7 is wanted: NOT reached"
        in table(document)
    )
    assert "kafka: not run: no Java\n  next: get it" in table(document)
