"""The load of a harness run, carried by Locust: one machine or many, with the web page or headless.

On the machine that leads::

    locust -f locustfile.py --master --harness "clickstream_fanout -b rabbitmq"     (page: http://127.0.0.1:8089)
    locust -f locustfile.py --master --headless --expect-workers 3 --harness "clickstream_fanout -b rabbitmq"

On every machine that carries load, once a core or so::

    locust -f locustfile.py --worker --master-host LEADER

Brokers that the harness starts listen on 127.0.0.1: workers on other machines need one that runs already, ``--url rabbitmq=amqp://HOST:5672``
among the arguments.

Or all in one process: ``locust -f locustfile.py --headless --harness "priority_tasks -b pylog"``. What follows ``--harness`` is what
``harness run`` takes; report and result are written where it says. The number of users does not matter: the workload says how much load
there is. Locust's messages are neither encrypted nor signed: a network that you trust, please.
"""

from __future__ import annotations

from typing import Any, cast

from locust import User, constant, events, task
from locust.env import Environment

from harness.swarm import bridge


class Slice(User):
    """Stands for the slice of the workload that this Locust worker carries; the work is done by the worker's child."""

    wait_time = constant(1)

    @task
    def carry(self) -> None:
        pass


def _options(parser: Any) -> None:
    parser.add_argument(
        "--harness",
        metavar="ARGUMENTS",
        env_var="HARNESS_RUN",
        default="",
        help="What to run, as after 'harness run': 'clickstream_fanout -b rabbitmq -n 3'. For the master.",
    )
    parser.add_argument("--harness-owner", type=int, default=-1, include_in_web_ui=False, help="Used by 'harness run'.")


def _attach(environment: Environment, **_: Any) -> None:
    bridge.attach(environment)


hooks = cast(Any, events)  # not typed
hooks.init_command_line_parser.add_listener(_options)
hooks.init.add_listener(_attach)
