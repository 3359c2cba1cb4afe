// The script that every client runs, with kafkajs: `node client.mjs ADDRESS PREFIX STEP...`.
// One line of JSON for each step: {"step": NAME, ...} or {"step": NAME, "error": TEXT}.
import kafkajs from "kafkajs";
import snappy from "kafkajs-snappy";

const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = kafkajs;
CompressionCodecs[CompressionTypes.Snappy] = snappy;

const RECORDS = 300;
const PARTITIONS = 3;
const DEADLINE_MS = 30_000;
const [address, prefix, ...names] = process.argv.slice(2);
const topic = `${prefix}-t`;
const kafka = new Kafka({ clientId: "kafkajs", brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 3 } });
const admin = kafka.admin();

const wait = async (check) => {
  const end = Date.now() + DEADLINE_MS;
  while (!(await check())) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
};
const failure = (promise) => promise.then(() => "none", (error) => error.type ?? error.name);
const groupSettings = { sessionTimeout: 6000, heartbeatInterval: 200, rebalanceTimeout: 6000, maxWaitTimeInMs: 200 };

const steps = {
  async admin() {
    const configEntries = [{ name: "retention.ms", value: "3600000" }];
    const made = await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, configEntries }] });
    const resources = [{ type: 2, name: topic, configNames: ["retention.ms"] }];
    const value = async () =>
      (await admin.describeConfigs({ resources, includeSynonyms: false })).resources[0].configEntries[0].configValue;
    const before = await value();
    const changed = [{ type: 2, name: topic, configEntries: [{ name: "retention.ms", value: "7200000" }] }];
    await admin.alterConfigs({ validateOnly: false, resources: changed });
    const twice = await admin.createTopics({ topics: [{ topic }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const { brokers } = await admin.describeCluster();
    return { made, before, after: await value(), twice, partitions: topics[0].partitions.length, nodes: brokers.length };
  },
  async produce() {
    let acknowledged = 0;
    for (const idempotent of [false, true]) {
      const producer = kafka.producer({ idempotent, allowAutoTopicCreation: false });
      await producer.connect();
      for (const codec of ["None", "GZIP", "Snappy"]) {
        const messages = [];
        for (let i = 0; i < RECORDS / 6; i++) {
          const headers = { codec };
          messages.push({ key: `key-${i}`, value: `${codec}-${i}`, partition: i % PARTITIONS, headers });
        }
        const rows = await producer.send({ topic, messages, acks: -1, compression: CompressionTypes[codec] });
        acknowledged += rows.every((row) => row.errorCode === 0) ? messages.length : 0;
      }
      await producer.disconnect();
    }
    return { acknowledged };
  },
  async consume() {
    const groupId = `${prefix}-classic`;
    const consumer = kafka.consumer({ groupId, ...groupSettings });
    let count = 0;
    let headers = 0;
    let ordered = true;
    const last = {};
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        count++;
        headers += message.value.toString().startsWith(`${message.headers.codec}-`) ? 1 : 0;
        ordered &&= Number(message.offset) > (last[partition] ?? -1);
        last[partition] = Number(message.offset);
      },
    });
    await wait(() => count >= RECORDS);
    await consumer.disconnect();
    const committed = await admin.fetchOffsets({ groupId, topics: [topic] });
    const sum = committed[0].partitions.reduce((total, row) => total + Number(row.offset), 0);
    return { count, headers, ordered, committed: sum };
  },
  async group() {
    const groupId = `${prefix}-shared`;
    const shares = [[], []];
    const consumers = [];
    for (const number of [0, 1]) {
      const consumer = kafka.consumer({ groupId, ...groupSettings });
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        shares[number] = payload.memberAssignment[topic] ?? [];
      });
      await consumer.connect();
      await consumer.subscribe({ topics: [topic] });
      await consumer.run({ eachMessage: async () => {} });
      consumers.push(consumer);
    }
    const covers = () => new Set(shares.flat()).size === PARTITIONS && shares.flat().length === PARTITIONS;
    const shared = await wait(() => covers() && shares[0].length > 0 && shares[1].length > 0);
    let group;
    await wait(async () => {
      group = (await admin.describeGroups([groupId])).groups[0];
      return group.state === "Stable";
    });
    await consumers[1].disconnect();
    shares[1] = [];
    const again = await wait(() => shares[0].length === PARTITIONS);
    await consumers[0].disconnect();
    return { shared, members: group.members.length, state: group.state, again };
  },
  async offsets() {
    const ends = await admin.fetchTopicOffsets(topic);
    const byTime = await admin.fetchTopicOffsetsByTimestamp(topic, 1);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "10" }] });
    const [start] = await admin.fetchTopicOffsets(topic);
    await admin.createPartitions({ topicPartitions: [{ topic, count: PARTITIONS + 1 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const groupId = `${prefix}-moved`;
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: "12" }] });
    const moved = await admin.fetchOffsets({ groupId, topics: [topic] });
    return {
      latest: Number(ends[0].high),
      byTime: Number(byTime[0].offset),
      start: Number(start.low),
      partitions: topics[0].partitions.length,
      moved: Number(moved[0].partitions.find((row) => row.partition === 0).offset),
    };
  },
  async transactions() {
    const source = `${prefix}-txn`;
    await admin.createTopics({ topics: [{ topic: source, numPartitions: 1 }] });
    const producer = kafka.producer({ transactionalId: `${prefix}-id`, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    for (const keep of [true, false, true]) {
      const transaction = await producer.transaction();
      const messages = Array.from({ length: 10 }, () => ({ value: keep ? "kept" : "dropped" }));
      await transaction.send({ topic: source, messages });
      const offsets = [{ partition: 0, offset: keep ? "7" : "9" }];
      await transaction.sendOffsets({ consumerGroupId: `${prefix}-txn-group`, topics: [{ topic: source, partitions: offsets }] });
      await (keep ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    const seen = [];
    const consumer = kafka.consumer({ groupId: `${prefix}-reader`, readUncommitted: false, ...groupSettings });
    await consumer.connect();
    await consumer.subscribe({ topics: [source], fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(message.value.toString()) });
    await wait(() => seen.length >= 20);
    await consumer.disconnect();
    const [row] = await admin.fetchOffsets({ groupId: `${prefix}-txn-group`, topics: [source] });
    return { committed: seen.filter((value) => value === "kept").length, seen: seen.length, offset: Number(row.partitions[0].offset) };
  },
  async errors() {
    return {
      "no topic": await failure(admin.deleteTopics({ topics: [`nope-${prefix}`], timeout: 1000 })),
      "bad name": await failure(admin.createTopics({ topics: [{ topic: "a b" }] })),
      "no group": await failure(admin.deleteGroups([`nope-${prefix}`])),
    };
  },
  async delete() {
    const groups = (await admin.listGroups()).groups.map((row) => row.groupId);
    await admin.deleteGroups([`${prefix}-classic`, `${prefix}-shared`]);
    await admin.deleteTopics({ topics: [topic] });
    const gone = await wait(async () => !(await admin.listTopics()).includes(topic));
    return { listed: groups.includes(`${prefix}-classic`), gone };
  },
};

await admin.connect();
for (const name of names) {
  let result;
  try {
    result = await steps[name]();
  } catch (error) {
    console.error(error);
    result = { error: `${error.type ?? error.name}: ${error.message}` };
  }
  console.log(JSON.stringify({ step: name, ...result }));
}
await admin.disconnect();
