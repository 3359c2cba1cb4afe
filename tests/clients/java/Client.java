import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.*;

/**
 * The script that every client runs, with Apache Kafka's own Java clients: `Client ADDRESS PREFIX STEP...`.
 * One line of JSON for each step: {"step": NAME, ...} or {"step": NAME, "error": TEXT}.
 */
public final class Client {
    static final int RECORDS = 300;
    static final int PARTITIONS = 3;
    static final long DEADLINE_MS = 30_000;
    static String address, prefix, topic;
    static Admin admin;

    interface Step { String run() throws Exception; }

    public static void main(String[] arguments) throws Exception {
        address = arguments[0];
        prefix = arguments[1];
        topic = prefix + "-t";
        Map<String, Step> steps = new HashMap<>();
        steps.put("admin", Client::createAndConfigure);
        steps.put("produce", Client::produce);
        steps.put("consume", () -> consume("classic"));
        steps.put("consume_next", () -> consume("consumer"));
        steps.put("group", () -> group("classic"));
        steps.put("group_next", () -> group("consumer"));
        steps.put("pattern", Client::pattern);
        steps.put("static", Client::staticMember);
        steps.put("offsets", Client::offsets);
        steps.put("transactions", Client::transactions);
        steps.put("describe", Client::describe);
        steps.put("errors", Client::errors);
        steps.put("share", ShareSteps::deliver);
        steps.put("share_renew", ShareSteps::renew);
        steps.put("share_admin", ShareSteps::administer);
        steps.put("delete", Client::delete);
        try (Admin client = Admin.create(Map.<String, Object>of("bootstrap.servers", address))) {
            admin = client;
            for (String name : Arrays.copyOfRange(arguments, 2, arguments.length)) {
                String body;
                try {
                    body = steps.get(name).run();
                } catch (Throwable error) {
                    error.printStackTrace();
                    body = "\"error\": \"" + error.toString().replaceAll("[\\\\\"\\n]", " ") + "\"";
                }
                System.out.println("{\"step\": \"" + name + "\", " + body + "}");
                System.out.flush();
            }
        }
    }

    static String createAndConfigure() throws Exception {
        NewTopic wanted = new NewTopic(topic, PARTITIONS, (short) 1).configs(Map.of("retention.ms", "3600000"));
        CreateTopicsResult made = admin.createTopics(List.of(wanted));
        made.all().get();
        int told = made.numPartitions(topic).get();
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        String before = admin.describeConfigs(List.of(resource)).all().get().get(resource).get("retention.ms").value();
        AlterConfigOp change = new AlterConfigOp(new ConfigEntry("retention.ms", "7200000"), AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get();
        String after = admin.describeConfigs(List.of(resource)).all().get().get(resource).get("retention.ms").value();
        String twice = failure(() -> admin.createTopics(List.of(wanted)).all().get());
        int nodes = admin.describeCluster().nodes().get().size();
        boolean listed = admin.listTopics().names().get().contains(topic);
        return String.format(
            "\"partitions\": %d, \"before\": \"%s\", \"after\": \"%s\", \"twice\": \"%s\", \"nodes\": %d, \"listed\": %b",
            told, before, after, twice, nodes, listed);
    }

    static String produce() throws Exception {
        long acknowledged = 0;
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            Properties how = new Properties();
            how.put("bootstrap.servers", address);
            how.put("compression.type", codec);
            how.put("linger.ms", "5");
            try (Producer<String, String> producer = new KafkaProducer<>(how, new StringSerializer(), new StringSerializer())) {
                List<java.util.concurrent.Future<RecordMetadata>> sent = new ArrayList<>();
                for (int i = 0; i < RECORDS / 5; i++) {
                    ProducerRecord<String, String> record =
                        new ProducerRecord<>(topic, i % PARTITIONS, "key-" + i, codec + "-" + i);
                    record.headers().add(new RecordHeader("codec", codec.getBytes(StandardCharsets.UTF_8)));
                    sent.add(producer.send(record));
                }
                for (var future : sent) {
                    acknowledged += future.get().offset() >= 0 ? 1 : 0;
                }
            }
        }
        return "\"acknowledged\": " + acknowledged;
    }

    static Properties consumerSettings(String group, String protocol) {
        Properties how = new Properties();
        how.put("bootstrap.servers", address);
        how.put("group.id", group);
        how.put("group.protocol", protocol);
        how.put("auto.offset.reset", "earliest");
        how.put("enable.auto.commit", "false");
        how.put("max.poll.records", "50");
        if (protocol.equals("classic")) {
            how.put("heartbeat.interval.ms", "200");
            how.put("session.timeout.ms", "6000");
        }
        return how;
    }

    static Consumer<String, String> consumer(Properties how) {
        return new KafkaConsumer<>(how, new StringDeserializer(), new StringDeserializer());
    }

    static String consume(String protocol) throws Exception {
        String group = prefix + "-" + protocol;
        int count = 0;
        int headers = 0;
        boolean ordered = true;
        Map<Integer, Long> last = new HashMap<>();
        try (Consumer<String, String> reader = consumer(consumerSettings(group, protocol))) {
            reader.subscribe(List.of(topic));
            long end = System.currentTimeMillis() + DEADLINE_MS;
            while (count < RECORDS && System.currentTimeMillis() < end) {
                for (ConsumerRecord<String, String> record : reader.poll(Duration.ofMillis(200))) {
                    count++;
                    String codec = new String(record.headers().lastHeader("codec").value(), StandardCharsets.UTF_8);
                    headers += record.value().startsWith(codec + "-") ? 1 : 0;
                    ordered &= record.offset() > last.getOrDefault(record.partition(), -1L);
                    last.put(record.partition(), record.offset());
                }
                reader.commitSync();
            }
        }
        Map<TopicPartition, OffsetAndMetadata> committed =
            admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        long sum = committed.values().stream().mapToLong(OffsetAndMetadata::offset).sum();
        return String.format(
            "\"count\": %d, \"headers\": %d, \"ordered\": %b, \"committed\": %d", count, headers, ordered, sum);
    }

    /** Two members share; one leaves and the other has everything again. */
    static String group(String protocol) throws Exception {
        String group = prefix + "-shared-" + protocol;
        Set<TopicPartition> all = new HashSet<>();
        for (int i = 0; i < PARTITIONS; i++) all.add(new TopicPartition(topic, i));
        Properties how = consumerSettings(group, protocol);
        if (protocol.equals("classic")) {
            how.put("partition.assignment.strategy", CooperativeStickyAssignor.class.getName());
        }
        boolean shared;
        String state;
        String type;
        int members;
        try (Consumer<String, String> first = consumer(how)) {
            first.subscribe(List.of(topic));
            try (Consumer<String, String> second = consumer(how)) {
                second.subscribe(List.of(topic));
                shared = await(() -> {
                    first.poll(Duration.ofMillis(50));
                    second.poll(Duration.ofMillis(50));
                    Set<TopicPartition> both = new HashSet<>(first.assignment());
                    both.addAll(second.assignment());
                    return both.equals(all) && first.assignment().size() + second.assignment().size() == PARTITIONS
                        && !first.assignment().isEmpty() && !second.assignment().isEmpty();
                });
                ConsumerGroupDescription described =
                    admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                members = described.members().size();
                type = described.type().toString();
                boolean stable = await(() -> {
                    first.poll(Duration.ofMillis(20));
                    second.poll(Duration.ofMillis(20));
                    return admin.describeConsumerGroups(List.of(group)).all().get().get(group).groupState()
                        == GroupState.STABLE;
                });
                state = stable ? "Stable" : "not stable";
            }
            boolean again = await(() -> {
                first.poll(Duration.ofMillis(50));
                return first.assignment().equals(all);
            });
            return String.format(
                "\"shared\": %b, \"members\": %d, \"type\": \"%s\", \"state\": \"%s\", \"again\": %b",
                shared, members, type, state, again);
        }
    }

    static String pattern() throws Exception {
        Properties how = consumerSettings(prefix + "-pattern", "consumer");
        try (Consumer<String, String> reader = consumer(how)) {
            reader.subscribe(new SubscriptionPattern(Pattern.quote(prefix).replace("\\Q", "").replace("\\E", "") + "-[t]"));
            boolean matched = await(() -> {
                reader.poll(Duration.ofMillis(50));
                return reader.assignment().size() == PARTITIONS;
            });
            return "\"matched\": " + matched;
        }
    }

    /** A static member goes and comes back within its session: nobody rebalances. */
    static String staticMember() throws Exception {
        String group = prefix + "-static";
        Properties one = consumerSettings(group, "classic");
        one.put("group.instance.id", "one");
        Properties two = consumerSettings(group, "classic");
        two.put("group.instance.id", "two");
        int[] rebalances = {0};
        ConsumerRebalanceListener counting = new ConsumerRebalanceListener() {
            public void onPartitionsRevoked(Collection<TopicPartition> gone) {}
            public void onPartitionsAssigned(Collection<TopicPartition> here) { rebalances[0]++; }
        };
        try (Consumer<String, String> stays = consumer(one)) {
            stays.subscribe(List.of(topic), counting);
            Consumer<String, String> leaver = consumer(two);
            leaver.subscribe(List.of(topic));
            Consumer<String, String> before = leaver;
            await(() -> {
                stays.poll(Duration.ofMillis(50));
                before.poll(Duration.ofMillis(50));
                return !stays.assignment().isEmpty() && !before.assignment().isEmpty()
                    && stays.assignment().size() + before.assignment().size() == PARTITIONS;
            });
            Set<TopicPartition> had = leaver.assignment();
            int counted = rebalances[0];
            leaver.close();
            try (Consumer<String, String> back = consumer(two)) {
                back.subscribe(List.of(topic));
                boolean same = await(() -> {
                    stays.poll(Duration.ofMillis(50));
                    back.poll(Duration.ofMillis(50));
                    return back.assignment().equals(had);
                });
                return String.format("\"same\": %b, \"rebalances\": %d", same, rebalances[0] - counted);
            }
        }
    }

    static String offsets() throws Exception {
        TopicPartition zero = new TopicPartition(topic, 0);
        long earliest = offset(zero, OffsetSpec.earliest());
        long latest = offset(zero, OffsetSpec.latest());
        long newest = offset(zero, OffsetSpec.maxTimestamp());
        long byTime = offset(zero, OffsetSpec.forTimestamp(1));
        long future = offset(zero, OffsetSpec.forTimestamp(System.currentTimeMillis() + 86_400_000L));
        admin.deleteRecords(Map.of(zero, RecordsToDelete.beforeOffset(10))).all().get();
        long start = offset(zero, OffsetSpec.earliest());
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(PARTITIONS + 1))).all().get();
        int partitions = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
        String group = prefix + "-moved";
        admin.alterConsumerGroupOffsets(group, Map.of(zero, new OffsetAndMetadata(12, "why"))).all().get();
        OffsetAndMetadata moved = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(zero);
        admin.deleteConsumerGroupOffsets(group, Set.of(zero)).all().get();
        int left = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().size();
        return String.format(
            "\"earliest\": %d, \"latest\": %d, \"newest_in_range\": %b, \"by_time\": %d, \"future\": %d, \"start\": %d, "
                + "\"partitions\": %d, \"moved\": \"%d %s\", \"left\": %d",
            earliest, latest, newest >= 0 && newest < latest, byTime, future, start, partitions,
            moved.offset(), moved.metadata(), left);
    }

    static long offset(TopicPartition partition, OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get().offset();
    }

    static String transactions() throws Exception {
        String source = prefix + "-txn";
        admin.createTopics(List.of(new NewTopic(source, 1, (short) 1))).all().get();
        Properties how = new Properties();
        how.put("bootstrap.servers", address);
        how.put("transactional.id", prefix + "-id");
        String group = prefix + "-txn-group";
        TopicPartition zero = new TopicPartition(source, 0);
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(how, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            for (boolean keep : new boolean[] {true, false, true}) {
                producer.beginTransaction();
                for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>(source, keep ? "kept" : "dropped"));
                producer.sendOffsetsToTransaction(
                    Map.of(zero, new OffsetAndMetadata(keep ? 7 : 9)), new ConsumerGroupMetadata(group));
                producer.flush();  // an abort drops what has not been sent yet
                if (keep) producer.commitTransaction(); else producer.abortTransaction();
            }
        }
        int committed = count(source, "read_committed", 20);
        int uncommitted = count(source, "read_uncommitted", 30);
        String fenced;
        try (KafkaProducer<String, String> old = new KafkaProducer<>(how, new StringSerializer(), new StringSerializer())) {
            old.initTransactions();
            old.beginTransaction();
            old.send(new ProducerRecord<>(source, "zombie")).get();
            try (KafkaProducer<String, String> young = new KafkaProducer<>(how, new StringSerializer(), new StringSerializer())) {
                young.initTransactions();
            }
            fenced = failure(() -> { old.commitTransaction(); return null; });
        }
        long offset = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(zero).offset();
        return String.format(
            "\"committed\": %d, \"uncommitted\": %d, \"fenced\": \"%s\", \"offset\": %d", committed, uncommitted, fenced, offset);
    }

    static int count(String from, String isolation, int expected) throws Exception {
        Properties how = consumerSettings("unused", "classic");
        how.put("isolation.level", isolation);
        int[] count = {0};
        try (Consumer<String, String> reader = consumer(how)) {
            TopicPartition zero = new TopicPartition(from, 0);
            reader.assign(List.of(zero));
            reader.seekToBeginning(List.of(zero));
            await(() -> {
                count[0] += reader.poll(Duration.ofMillis(100)).count();
                return count[0] >= expected;
            });
            count[0] += reader.poll(Duration.ofMillis(200)).count();
        }
        return count[0];
    }

    static String describe() throws Exception {
        Set<String> groups = new HashSet<>();
        Map<String, String> types = new TreeMap<>();
        for (GroupListing row : admin.listGroups().all().get()) {
            groups.add(row.groupId());
            if (row.groupId().equals(prefix + "-classic") || row.groupId().equals(prefix + "-consumer")) {
                types.put(row.groupId().substring(prefix.length() + 1), row.type().map(GroupType::toString).orElse("?"));
            }
        }
        int folders = admin.describeLogDirs(admin.describeCluster().nodes().get().stream().map(Node::id).toList())
            .allDescriptions().get().values().iterator().next().size();
        String features = admin.describeFeatures().featureMetadata().get().finalizedFeatures().keySet().stream().sorted().toList().toString();
        return String.format("\"types\": \"%s\", \"folders\": %d, \"features\": \"%s\"", types, folders, features);
    }

    static String errors() throws Exception {
        Map<String, String> seen = new TreeMap<>();
        seen.put("no topic", failure(() -> admin.describeTopics(List.of("nope-" + prefix)).allTopicNames().get()));
        seen.put("bad name", failure(() -> admin.createTopics(List.of(new NewTopic("a b", 1, (short) 1))).all().get()));
        seen.put("bad config", failure(() -> admin.createTopics(
            List.of(new NewTopic(prefix + "-c", 1, (short) 1).configs(Map.of("retention.ms", "x")))).all().get()));
        seen.put("no group", failure(() -> admin.deleteConsumerGroups(List.of("nope-" + prefix)).all().get()));
        seen.put("describe no group", failure(() -> admin.describeConsumerGroups(List.of("nope-" + prefix)).all().get()));
        seen.put("fewer partitions", failure(() -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(1))).all().get()));
        seen.put("replicas", failure(() -> admin.createTopics(List.of(new NewTopic(prefix + "-r", 1, (short) 3))).all().get()));
        Properties how = new Properties();
        how.put("bootstrap.servers", address);
        how.put("max.request.size", "5000000");
        try (Producer<String, String> producer = new KafkaProducer<>(how, new StringSerializer(), new StringSerializer())) {
            seen.put("too large", failure(() -> producer.send(new ProducerRecord<>(topic, "x".repeat(2_000_000))).get()));
        }
        StringBuilder text = new StringBuilder();
        seen.forEach((key, value) -> text.append(text.length() > 0 ? ", " : "").append('"').append(key).append("\": \"").append(value).append('"'));
        return text.toString();
    }

    static String delete() throws Exception {
        admin.deleteConsumerGroups(List.of(prefix + "-classic", prefix + "-consumer")).all().get();
        admin.deleteTopics(List.of(topic)).all().get();
        boolean gone = await(() -> !admin.listTopics().names().get().contains(topic));
        return "\"gone\": " + gone;
    }

    interface Check { boolean holds() throws Exception; }

    interface Attempt { Object make() throws Exception; }

    static boolean await(Check check) throws Exception {
        long end = System.currentTimeMillis() + DEADLINE_MS;
        while (!check.holds()) {
            if (System.currentTimeMillis() > end) return false;
        }
        return true;
    }

    static String failure(Attempt attempt) throws Exception {
        try {
            attempt.make();
            return "none";
        } catch (ExecutionException error) {
            return error.getCause().getClass().getSimpleName();
        } catch (KafkaException error) {
            return error.getClass().getSimpleName();
        }
    }
}
