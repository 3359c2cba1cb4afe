import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.*;

/** The part of the script that is about share groups (KIP-932). */
final class ShareSteps {
    static final int RECORDS = 90;

    private ShareSteps() {}

    static Properties settings(String group, String mode) {
        Properties how = new Properties();
        how.put("bootstrap.servers", Client.address);
        how.put("group.id", group);
        how.put("share.acknowledgement.mode", mode);
        return how;
    }

    static ShareConsumer<String, String> member(Properties how, String topic) {
        ShareConsumer<String, String> made =
            new KafkaShareConsumer<>(how, new StringDeserializer(), new StringDeserializer());
        made.subscribe(List.of(topic));
        return made;
    }

    static void configure(String group, Map<String, String> values) throws Exception {
        List<AlterConfigOp> changes = new ArrayList<>();
        values.forEach((name, value) -> changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
        ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
        Client.admin.incrementalAlterConfigs(Map.of(resource, changes)).all().get();
    }

    static void produce(String topic, int first, int count) throws Exception {
        Properties how = new Properties();
        how.put("bootstrap.servers", Client.address);
        try (Producer<String, String> producer = new KafkaProducer<>(how, new StringSerializer(), new StringSerializer())) {
            for (int i = first; i < first + count; i++) {
                producer.send(new ProducerRecord<>(topic, i % Client.PARTITIONS, "k", Integer.toString(i)));
            }
        }
    }

    static String topic(String name) throws Exception {
        String topic = Client.prefix + "-" + name;
        Client.admin.createTopics(List.of(new NewTopic(topic, Client.PARTITIONS, (short) 1))).all().get();
        return topic;
    }

    /** Two members read all partitions together; every third record is released once and every ninth rejected. */
    static String deliver() throws Exception {
        String topic = topic("share-t");
        String group = Client.prefix + "-share";
        configure(group, Map.of("share.auto.offset.reset", "earliest"));
        produce(topic, 0, RECORDS);
        Map<Integer, List<Short>> deliveries = new TreeMap<>();
        Set<String> accepted = new TreeSet<>();
        String state;
        int members;
        boolean listed;
        Properties how = settings(group, "explicit");
        try (ShareConsumer<String, String> one = member(how, topic); ShareConsumer<String, String> two = member(how, topic)) {
            long end = System.currentTimeMillis() + Client.DEADLINE_MS;
            while (accepted.size() < RECORDS - RECORDS / 9 && System.currentTimeMillis() < end) {
                for (ShareConsumer<String, String> each : List.of(one, two)) {
                    for (ConsumerRecord<String, String> record : each.poll(Duration.ofMillis(200))) {
                        int number = Integer.parseInt(record.value());
                        short count = record.deliveryCount().get();
                        deliveries.computeIfAbsent(number, key -> new ArrayList<>()).add(count);
                        if (number % 9 == 8) each.acknowledge(record, AcknowledgeType.REJECT);
                        else if (number % 3 == 0 && count == 1) each.acknowledge(record, AcknowledgeType.RELEASE);
                        else {
                            each.acknowledge(record, AcknowledgeType.ACCEPT);
                            accepted.add(record.value());
                        }
                    }
                    each.commitSync();
                }
            }
            ShareGroupDescription described = Client.admin.describeShareGroups(List.of(group)).all().get().get(group);
            state = described.groupState().toString();
            members = described.members().size();
            listed = Client.admin.listGroups(ListGroupsOptions.forShareGroups()).all().get().stream()
                .anyMatch(row -> row.groupId().equals(group) && row.type().get() == GroupType.SHARE);
        }
        boolean right = deliveries.size() == RECORDS;
        for (Map.Entry<Integer, List<Short>> row : deliveries.entrySet()) {
            boolean again = row.getKey() % 3 == 0 && row.getKey() % 9 != 8;
            right &= row.getValue().equals(again ? List.of((short) 1, (short) 2) : List.of((short) 1));
        }
        return String.format(
            "\"accepted\": %d, \"deliveries\": %b, \"state\": \"%s\", \"members\": %d, \"listed\": %b",
            accepted.size(), right, state, members, listed);
    }

    /** Records that are renewed and then not dealt with; a member that closes; implicit acknowledgement. */
    static String renew() throws Exception {
        String topic = topic("share-renew-t");
        String group = Client.prefix + "-share-renew";
        configure(group, Map.of("share.auto.offset.reset", "earliest", "share.isolation.level", "read_committed"));
        produce(topic, 0, 3);
        int renewed = 0;
        Properties how = settings(group, "explicit");
        how.put("share.acquire.mode", "record_limit");
        how.put("max.poll.records", "2");
        long lock = 0;
        int most = 0;
        Set<String> seen = new TreeSet<>();
        try (ShareConsumer<String, String> reader = member(how, topic)) {
            long end = System.currentTimeMillis() + Client.DEADLINE_MS;
            while (seen.size() < 3 && System.currentTimeMillis() < end) {
                ConsumerRecords<String, String> found = reader.poll(Duration.ofMillis(300));
                most = Math.max(most, found.count());
                for (ConsumerRecord<String, String> record : found) {
                    if (seen.add(record.value())) {
                        reader.acknowledge(record, AcknowledgeType.RENEW);
                        renewed++;
                    } else {
                        reader.acknowledge(record, AcknowledgeType.ACCEPT);
                    }
                }
                reader.commitSync();
                lock = reader.acquisitionLockTimeoutMs().orElse(0);
            }
        }
        Set<String> after = new TreeSet<>();
        try (ShareConsumer<String, String> reader = member(settings(group, "implicit"), topic)) {
            long end = System.currentTimeMillis() + 1_000;
            while (System.currentTimeMillis() < end) {
                reader.poll(Duration.ofMillis(200)).forEach(record -> after.add(record.value()));
            }
        }
        after.addAll(seen);
        return String.format("\"renewed\": %d, \"most\": %d, \"lock\": %d, \"all\": %d", renewed, most, lock, after.size());
    }

    /** Offsets of a group: described, moved, deleted, and what is refused. */
    static String administer() throws Exception {
        String topic = topic("share-admin-t");
        String group = Client.prefix + "-share-admin";
        TopicPartition partition = new TopicPartition(topic, 0);
        produce(topic, 0, 30);
        Client.admin.alterShareGroupOffsets(group, Map.of(partition, 4L)).all().get();
        String before = offset(group, partition);
        Set<String> seen = new TreeSet<>(Comparator.comparing(Integer::parseInt));
        String inUse;
        String deleteInUse;
        try (ShareConsumer<String, String> reader = member(settings(group, "implicit"), topic)) {
            long end = System.currentTimeMillis() + Client.DEADLINE_MS;
            while (seen.size() < 6 && System.currentTimeMillis() < end) {
                reader.poll(Duration.ofMillis(200)).forEach(record -> seen.add(record.value()));
            }
            reader.commitSync();
            inUse = Client.failure(() -> Client.admin.alterShareGroupOffsets(group, Map.of(partition, 0L)).all().get());
            deleteInUse = Client.failure(() -> Client.admin.deleteShareGroups(List.of(group)).all().get());
        }
        boolean caughtUp = Client.await(() -> lag(group, partition) == 0);
        Client.admin.deleteShareGroupOffsets(group, Set.of(topic)).all().get();
        String deleted = offset(group, partition);
        Client.admin.deleteShareGroups(List.of(group)).all().get();
        String gone = Client.failure(() -> Client.admin.describeShareGroups(List.of(group)).all().get());
        String other = Client.failure(() -> Client.admin.describeConsumerGroups(List.of(Client.prefix + "-share")).all().get());
        return String.format(
            "\"before\": \"%s\", \"seen\": %d, \"in use\": \"%s\", \"delete in use\": \"%s\", \"caught up\": %b,"
                + " \"deleted\": \"%s\", \"gone\": \"%s\", \"as consumer\": \"%s\"",
            before, seen.size(), inUse, deleteInUse, caughtUp, deleted, gone, other);
    }

    static SharePartitionOffsetInfo info(String group, TopicPartition partition) throws Exception {
        Map<String, ListShareGroupOffsetsSpec> asked = new HashMap<>();
        asked.put(group, new ListShareGroupOffsetsSpec().topicPartitions(List.of(partition)));
        return Client.admin.listShareGroupOffsets(asked).partitionsToOffsetInfo(group).get().get(partition);
    }

    static String offset(String group, TopicPartition partition) throws Exception {
        SharePartitionOffsetInfo found = info(group, partition);
        return found == null ? "none" : found.startOffset() + " lag " + found.lag().map(String::valueOf).orElse("none");
    }

    static long lag(String group, TopicPartition partition) throws Exception {
        SharePartitionOffsetInfo found = info(group, partition);
        return found == null ? -1 : found.lag().orElse(-1L);
    }
}
