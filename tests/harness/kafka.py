"""A real single-node Kafka broker (KRaft) with plaintext, SASL and TLS listeners, and one that is
reached through a FaultProxy."""

import base64
import shutil
import subprocess
import time
import uuid

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from . import certificates, downloads
from .fault_server import FaultProxy
from .process import HOST, Server, free_port, is_open

VERSION = "4.4.0"

# kafka-tools-api of this release is not on Central and the broker does not use it; without the
# log4j binding the broker is silent.
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>broker</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
      <exclusions><exclusion>
        <groupId>org.apache.kafka</groupId><artifactId>kafka-tools-api</artifactId>
      </exclusion></exclusions>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.5</version>
    </dependency>
  </dependencies>
</project>
"""

LOGGING = """status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c{1})%n
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
"""

USER, PASSWORD = "alice", "alice-secret"


class Kafka(Server):
    """bootstrap: plaintext. sasl, tls: the same broker by PLAIN or SCRAM, and by TLS. proxied: where
    the proxy of make_proxy() takes clients; all addresses that the broker gives them lead there."""

    name = "kafka"

    def __init__(self):
        super().__init__()
        self.user, self.password = USER, PASSWORD
        self.ca = certificates.make_authority(self.folder, "ca")
        self.other_ca = certificates.make_authority(self.folder, "other-ca")
        certificates.make_leaf(self.folder, "ca", "broker")
        (self.folder / "tmp").mkdir()
        (self.folder / "log4j2.properties").write_text(LOGGING)
        self.configuration = self.folder / "server.properties"
        self.configure_and_start()

    def configure(self):
        names = ("CONTROLLER", "PLAIN", "SASL", "TLS", "PROXIED")
        self.ports = {name: free_port() for name in names}
        self.proxy = None
        self.proxy_port = free_port()
        self.proxied = f"{HOST}:{self.proxy_port}"
        self.bootstrap = f"{HOST}:{self.ports['PLAIN']}"
        self.sasl = f"{HOST}:{self.ports['SASL']}"
        self.tls = f"{HOST}:{self.ports['TLS']}"
        self.configuration.write_text(self._properties())
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        self._format()

    def _properties(self):
        listeners = ",".join(f"{name}://{HOST}:{port}" for name, port in self.ports.items())
        told = {**self.ports, "PROXIED": self.proxy_port}
        advertised = ",".join(f"{name}://{HOST}:{port}" for name, port in told.items()
                              if name != "CONTROLLER")
        protocols = ("CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,PROXIED:PLAINTEXT,SASL:SASL_PLAINTEXT,"
                     "TLS:SSL")
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        plain = ("org.apache.kafka.common.security.plain.PlainLoginModule required "
                 f'user_{USER}="{PASSWORD}";')
        return f"""process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={HOST}:{self.ports['CONTROLLER']}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map={protocols}
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.scram-sha-256.sasl.jaas.config={scram}
listener.name.sasl.scram-sha-512.sasl.jaas.config={scram}
listener.name.sasl.plain.sasl.jaas.config={plain}
ssl.keystore.type=PEM
ssl.keystore.location={self.folder}/broker.store.pem
ssl.truststore.type=PEM
ssl.truststore.location={self.folder}/ca.pem
log.dirs={self.folder}/data
num.partitions=1
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.segment.bytes=67108864
log.retention.ms=-1
"""

    def _java(self, *arguments, heap="512m"):
        jars = downloads.classpath(f"kafka-{VERSION}", POM)
        return ["java", f"-Xmx{heap}", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
                f"-Djava.io.tmpdir={self.folder}/tmp",
                f"-Dlog4j2.configurationFile={self.folder}/log4j2.properties",
                "-cp", f"{jars}/*", *arguments]

    def _format(self):
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").lstrip("-")
        users = [f"{kind}=[name={USER},password={PASSWORD}]"
                 for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
        subprocess.run(self._java("kafka.tools.StorageTool", "format", "--standalone",
                                  "--cluster-id", cluster, "--config", str(self.configuration),
                                  "--add-scram", users[0], "--add-scram", users[1], heap="256m"),
                       check=True, capture_output=True)

    def start(self):
        self.launch(self._java("kafka.Kafka", str(self.configuration)))
        self.wait_ready(lambda: b"Kafka Server started" in self.new_log()
                        and is_open(self.ports["PLAIN"]))

    def committed(self, group, topic, partitions):
        """What the group has committed for the topic; a broker that has just come back needs a while
        until it answers for the group."""
        client = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group})
        places = [TopicPartition(topic, number) for number in range(partitions)]
        deadline = time.monotonic() + 60
        try:
            while True:
                try:
                    return client.committed(places, timeout=10)
                except KafkaException:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.2)
        finally:
            client.close()

    def make_proxy(self, kind=FaultProxy):
        """The one proxy on the port that the broker names; the last one, which a test that failed
        may have left, is gone."""
        if self.proxy:
            self.proxy.stop()
        self.proxy = kind(self.ports["PROXIED"], port=self.proxy_port)
        return self.proxy

    def admin(self):
        return AdminClient({"bootstrap.servers": self.bootstrap})

    def create_topic(self, name=None, partitions=6, **configuration):
        name = name or f"topic-{uuid.uuid4().hex[:12]}"
        topic = NewTopic(name, partitions, 1, config={k: str(v) for k, v in configuration.items()})
        admin = self.admin()  # kept until the answer is there
        for future in admin.create_topics([topic]).values():
            future.result(30)
        return name

    def produce(self, topic, values, keys=None, partition=None, headers=None):
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5,
                             "queue.buffering.max.messages": 1000000})
        failed = []
        for index, value in enumerate(values):
            options = {} if partition is None else {"partition": partition}
            while True:
                try:
                    producer.produce(topic, value=value, key=keys[index] if keys else None,
                                     headers=headers, on_delivery=lambda error, message:
                                     failed.append(error) if error else None, **options)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        producer.flush(60)
        assert not failed, failed[:3]

    def consume(self, topic, count, seconds=60):
        """`count` messages of the topic, read by an independent client."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": uuid.uuid4().hex,
                             "auto.offset.reset": "earliest", "enable.auto.commit": False})
        consumer.subscribe([topic])
        messages = []
        try:
            while len(messages) < count:
                batch = consumer.consume(min(count - len(messages), 10000), timeout=seconds)
                if not batch:
                    break
                for message in batch:
                    assert not message.error(), message.error()
                messages += batch
        finally:
            consumer.close()
        return messages

    def read_all(self, topic):
        """Every message that is there now, read by an independent client without a group."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "none",
                             "enable.auto.commit": False})
        try:
            places = [TopicPartition(topic, number, 0) for number in
                      consumer.list_topics(topic, 30).topics[topic].partitions]
            ends = {place.partition: consumer.get_watermark_offsets(place, 30)[1]
                    for place in places}
            consumer.assign(places)
            messages = []
            while any(consumer.position([place])[0].offset < ends[place.partition]
                      for place in places if ends[place.partition]):
                for message in consumer.consume(10000, timeout=0.1):
                    assert not message.error(), message.error()
                    messages.append(message)
            return messages
        finally:
            consumer.close()


def environment(kafka, topic, group):
    return {"KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "KAFKA_GROUP": group}
