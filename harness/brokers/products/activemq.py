"""ActiveMQ Classic: one broker, STOMP only, its XML written here.

Policies go by queue name, so an adapter chooses them by choosing names:

================  =================================================================================================
queue name        what holds for it
================  =================================================================================================
``PRIO.>``        priorities honoured strictly: ``prioritizedMessages``, page size ``priority.maxPageSize`` (1) also for the
                  expiry sweep, no cursor cache
``RETRY.>``       a NACK is redelivered by the broker (``redelivery.*``), then dead-lettered
``PRIO.RETRY.>``  both
``Consumer.*.``   (``VirtualTopic.PRIO.>``) as ``PRIO.>``, for the queues that a virtual topic is copied into
``LOW.>``         a memory limit of ``low.memoryLimit`` for the queue, for tests of flow control
everything else   FIFO, page size ``maxPageSize`` (2000), a NACK goes to the dead-letter queue at once
================  =================================================================================================

For every queue ``Q``: the dead-letter queue is ``DLQ.Q`` (also for messages that were not persistent, also for
expired ones), and expired messages are swept every ``expireMessagesPeriod``. Virtual topics work as shipped:
``/topic/VirtualTopic.X`` is copied to each ``/queue/Consumer.G.VirtualTopic.X``. Delays (``AMQ_SCHEDULED_DELAY``)
need ``schedulerSupport``, which is on. ``ActiveMQ.Statistics.Destination.Q`` answers with JSON when asked with
``transformation:jms-map-json``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from harness.brokers import handshake
from harness.brokers.handshake import Greet
from harness.brokers.places import cache_folder
from harness.brokers.products import java
from harness.brokers.products.base import (
    EVERYWHERE,
    LOOPBACK,
    Contained,
    Installation,
    Launch,
    quiet_environment,
)
from harness.errors import BrokerMissing, UsageError

VERSION = "6.3.1"
OLDER_NAME, OLDER_VERSION = "activemq-5.17", "5.17.2"  # not under test: asked what has changed since
INSTALL_COMMAND = "harness broker install activemq"

DEFAULTS: Mapping[str, str] = {
    java.HEAP_SETTING: "1g",
    "persistent": "true",
    "journalDiskSyncStrategy": "always",
    "journalDiskSyncInterval": "1000",
    "concurrentStoreAndDispatchQueues": "true",
    "journalMaxFileLength": "32mb",
    "schedulerSupport": "true",
    "maxPageSize": "2000",
    "priority.maxPageSize": "1",
    "expireMessagesPeriod": "1000",
    "memoryUsage": "600 mb",
    "storeUsage": "20 gb",
    "tempUsage": "10 gb",
    "sendFailIfNoSpace": "true",
    "low.memoryLimit": "1mb",
    "redelivery.maximumRedeliveries": "3",
    "redelivery.initialRedeliveryDelay": "1000",
    "redelivery.redeliveryDelay": "1000",
    "redelivery.useExponentialBackOff": "false",
    "redelivery.backOffMultiplier": "5",
}

LOG_CONFIGURATION = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %m (%c{1})%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""

DOCUMENT = """\
<?xml version="1.0" encoding="UTF-8"?> <beans xmlns="http://www.springframework.org/schema/beans"
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.springframework.org/schema/beans
http://www.springframework.org/schema/beans/spring-beans.xsd http://activemq.apache.org/schema/core
http://activemq.apache.org/schema/core/activemq-core.xsd"> <broker xmlns="http://activemq.apache.org/schema/core"
brokerName="harness" dataDirectory={data} persistent={persistent} schedulerSupport={scheduler} useJmx={jmx}
useShutdownHook="true" start="true" splitSystemUsageForProducersConsumers="false" advisorySupport="true">
<destinationPolicy> <policyMap> <policyEntries> {policies} </policyEntries> </policyMap> </destinationPolicy> {store}
<systemUsage> <systemUsage sendFailIfNoSpace={send_fail}> <memoryUsage><memoryUsage limit={memory}/></memoryUsage>
<storeUsage><storeUsage limit={store_limit}/></storeUsage> <tempUsage><tempUsage limit={temp_limit}/></tempUsage>
<jobSchedulerUsage><jobSchedulerUsage limit={store_limit}/></jobSchedulerUsage> </systemUsage> </systemUsage>
<plugins> <redeliveryPlugin fallbackToDeadLetter="true" sendToDlqIfMaxRetriesExceeded="true"> <redeliveryPolicyMap>
<redeliveryPolicyMap> <redeliveryPolicyEntries> {redeliveries} </redeliveryPolicyEntries> <defaultEntry>
<redeliveryPolicy maximumRedeliveries="0" initialRedeliveryDelay="1000" redeliveryDelay="1000"/> </defaultEntry>
</redeliveryPolicyMap> </redeliveryPolicyMap> </redeliveryPlugin> <statisticsBrokerPlugin/> </plugins>
<transportConnectors> <transportConnector name="stomp" uri={uri}/> </transportConnectors> </broker> {console} </beans>
"""


@dataclass(frozen=True, slots=True)
class ActiveMQ:
    """Settings are those of ``DEFAULTS``; an unknown one is refused with the nearest name."""

    name: str = "activemq"
    title: str = "ActiveMQ Classic"
    port_count: int = 1
    default_port: int = 61613
    greet: Greet = handshake.stomp
    version: str = VERSION

    def locate(self) -> Installation:
        command = INSTALL_COMMAND if self.version == VERSION else f"harness broker install {OLDER_NAME}"
        home = cache_folder() / "activemq" / self.version
        if not (home / "libs" / f"activemq-broker-{self.version}.jar").is_file():
            raise BrokerMissing("there is no local copy of ActiveMQ Classic", next_command=command)
        found = java.find_java()
        if found is None:
            reason = f"no Java {java.OLDEST_MAJOR} or newer for ActiveMQ Classic"
            raise BrokerMissing(reason, next_command=command)
        return Installation(self.version, home, f"local copy, Java {found.version}", str(found.program))

    def server_settings(self, tier: str) -> dict[str, str]:
        """D1 and up sync the journal before each acknowledgement, as shipped; D0, whose messages are not in it, once a second.

        There is nothing between for D1: with ``periodic`` or ``never`` KahaDB acknowledges what it has queued for the thread that writes
        the journal, before write(2), and while that thread syncs, what queues up is acknowledged and only in the virtual machine's memory.
        """
        return dict(DEFAULTS) | ({"journalDiskSyncStrategy": "periodic"} if tier == "D0" else {})

    def prepare(
        self, installation: Installation, folder: Path, ports: Sequence[int], settings: Mapping[str, str]
    ) -> Launch:
        _check(settings)
        found = java.find_java()
        assert found is not None  # locate() has seen it
        conf = folder / "conf"
        for needed in (conf, folder / "data", folder / "tmp"):
            needed.mkdir(parents=True, exist_ok=True)
        text = document(str(folder / "data"), LOOPBACK, ports[0], settings)
        (conf / "activemq.xml").write_text(text, encoding="utf-8")
        (conf / "log4j2.properties").write_text(LOG_CONFIGURATION, encoding="utf-8")
        system = {
            "log4j2.configurationFile": str(conf / "log4j2.properties"),
            "java.io.tmpdir": str(folder / "tmp"),
            "activemq.home": str(installation.home),
            "activemq.base": str(folder),
            "activemq.conf": str(conf),
            "activemq.data": str(folder / "data"),
            # the console installs neither; without them a default is looked for in the person's home
            "java.util.prefs.userRoot": str(folder / "tmp"),
        }
        main = ["org.apache.activemq.console.Main", "start", f"xbean:file:{conf / 'activemq.xml'}"]
        argv = java.command(found, installation.home, settings, system, main)
        return Launch(argv, quiet_environment(folder), dict(settings), grace_s=java.grace_s(settings, 8.0))

    def contain(self, port: int, settings: Mapping[str, str]) -> Contained:
        _check(settings)
        home = "/opt/apache-activemq"
        heap = settings[java.HEAP_SETTING]
        files = {f"{home}/conf/activemq.xml": document(f"{home}/data", EVERYWHERE, port, settings)}
        env = {"ACTIVEMQ_OPTS_MEMORY": " ".join([f"-Xms{heap}", f"-Xmx{heap}", *java.COLLECTOR])}
        return Contained(f"{home}/data", files, dict(settings), env)


def _check(settings: Mapping[str, str]) -> None:
    """Raises UsageError for a setting that the document has no place for."""
    for name in settings:
        if name not in DEFAULTS and name != java.TRAINING_SETTING:
            nearest = difflib.get_close_matches(name, DEFAULTS, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise UsageError(f"ActiveMQ has no setting {name!r} here{hint}", next_command="harness broker up --help")


def document(data: str, host: str, port: int, settings: Mapping[str, str], *, console: bool = False) -> str:
    """The broker's XML. ``console`` adds the web console of the image, and JMX, which it asks. Pure."""
    persistent = settings["persistent"] == "true"
    store = ""
    if persistent:
        store = "<persistenceAdapter>" + _element(
            "kahaDB",
            directory=f"{data}/kahadb",
            journalDiskSyncStrategy=settings["journalDiskSyncStrategy"],
            journalDiskSyncInterval=settings["journalDiskSyncInterval"],
            concurrentStoreAndDispatchQueues=settings["concurrentStoreAndDispatchQueues"],
            journalMaxFileLength=settings["journalMaxFileLength"],
        )
        store += "</persistenceAdapter>"
    redelivery = {name.partition(".")[2]: value for name, value in settings.items() if name.startswith("redelivery.")}
    return DOCUMENT.format(
        jmx=quoteattr("true" if console else "false"),
        console='<import resource="jetty.xml"/>' if console else "",
        data=quoteattr(data),
        persistent=quoteattr(settings["persistent"]),
        scheduler=quoteattr(settings["schedulerSupport"]),
        policies="\n          ".join(_policies(settings)),
        store=store,
        send_fail=quoteattr(settings["sendFailIfNoSpace"]),
        memory=quoteattr(settings["memoryUsage"]),
        store_limit=quoteattr(settings["storeUsage"]),
        temp_limit=quoteattr(settings["tempUsage"]),
        redeliveries="\n              ".join(
            _element("redeliveryPolicy", queue=queue, **redelivery) for queue in ("RETRY.>", "PRIO.RETRY.>")
        ),
        uri=quoteattr(f"stomp://{host}:{port}"),
    )


def _policies(settings: Mapping[str, str]) -> list[str]:
    common = {"expireMessagesPeriod": settings["expireMessagesPeriod"], "timeBeforeDispatchStarts": "0"}
    prefix = "DLQ."
    dead = f'<deadLetterStrategy><individualDeadLetterStrategy queuePrefix="{prefix}" processNonPersistent="true"/></deadLetterStrategy>'
    priority = {
        "prioritizedMessages": "true",
        "maxPageSize": settings["priority.maxPageSize"],
        # the expiry sweep pages messages in, too: 400 of them unless told otherwise, and nothing overtakes what is paged in
        "maxExpirePageSize": settings["priority.maxPageSize"],
        "useCache": "false",
    }
    plain = {"maxPageSize": settings["maxPageSize"]}
    return [
        _element("policyEntry", dead, queue="PRIO.>", **priority, **common),
        _element("policyEntry", dead, queue="Consumer.*.VirtualTopic.PRIO.>", **priority, **common),
        _element("policyEntry", dead, queue="LOW.>", memoryLimit=settings["low.memoryLimit"], **plain, **common),
        _element("policyEntry", dead, queue=">", **plain, **common),
        _element("policyEntry", dead, topic=">"),
    ]


def _element(name: str, content: str = "", **attributes: str) -> str:
    text = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{text}>{content}</{name}>" if content else f"<{name}{text}/>"
