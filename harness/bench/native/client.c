/* A producer and a consumer on librdkafka without Python in the way.
 *
 * The library is the one that confluent-kafka brings; it is opened by path, and only the few functions of its stable C interface
 * that are used here are declared, so that no headers are needed.
 *
 *   client LIBRARY produce HOST:PORT TOPIC COUNT BYTES BATCH_BYTES PARTITIONS
 *   client LIBRARY consume HOST:PORT TOPIC COUNT
 *
 * Prints one JSON object: messages, seconds.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    int err;
    void *rkt;
    int32_t partition;
    void *payload;
    size_t len;
    void *key;
    size_t key_len;
    int64_t offset;
    void *private_data;
} message_t; /* rd_kafka_message_t */

enum { PRODUCER = 0, CONSUMER = 1, COPY = 2, QUEUE_FULL = -184, OFFSET_BEGINNING = -2, CHUNK = 10000 };

static void *library;
static long failed;

static void *function(const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "the library has no %s\n", name);
        exit(3);
    }
    return found;
}

static void delivered(void *client, const message_t *message, void *opaque) {
    (void)client;
    (void)opaque;
    if (message->err) failed++;
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static void set(void *configuration, const char *name, const char *value) {
    int (*conf_set)(void *, const char *, const char *, char *, size_t) = function("rd_kafka_conf_set");
    char reason[256];
    if (conf_set(configuration, name, value, reason, sizeof reason)) {
        fprintf(stderr, "%s\n", reason);
        exit(2);
    }
}

static void *client(int kind, void *configuration) {
    void *(*kafka_new)(int, void *, char *, size_t) = function("rd_kafka_new");
    char reason[256];
    void *made = kafka_new(kind, configuration, reason, sizeof reason);
    if (!made) {
        fprintf(stderr, "%s\n", reason);
        exit(3);
    }
    return made;
}

static int produce(void *configuration, char **arguments) {
    void (*set_delivered)(void *, void (*)(void *, const message_t *, void *)) = function("rd_kafka_conf_set_dr_msg_cb");
    void *(*topic_new)(void *, const char *, void *) = function("rd_kafka_topic_new");
    int (*send)(void *, int32_t, int, void *, size_t, const void *, size_t, void *) = function("rd_kafka_produce");
    int (*last_error)(void) = function("rd_kafka_last_error");
    int (*poll)(void *, int) = function("rd_kafka_poll");
    int (*flush)(void *, int) = function("rd_kafka_flush");
    long count = atol(arguments[1]), partitions = atol(arguments[4]);
    size_t bytes = (size_t)atol(arguments[2]);
    char *payload = malloc(bytes + 1);
    memset(payload, 'x', bytes);
    set(configuration, "batch.size", arguments[3]);
    set(configuration, "linger.ms", "5");
    set(configuration, "enable.idempotence", "true");
    set(configuration, "queue.buffering.max.messages", "500000");
    set_delivered(configuration, delivered);
    void *producer = client(PRODUCER, configuration), *topic = topic_new(producer, arguments[0], NULL);
    send(topic, 0, COPY, payload, 1, NULL, 0, NULL); /* connect before the clock starts */
    flush(producer, 30000);
    double begin = now();
    for (long number = 0; number < count; number++) {
        while (send(topic, (int32_t)(number % partitions), COPY, payload, bytes, NULL, 0, NULL)) {
            if (last_error() != QUEUE_FULL) return 3;
            poll(producer, 5);
        }
        if (number % 1000 == 0) poll(producer, 0);
    }
    if (flush(producer, 120000) || failed) {
        fprintf(stderr, "%ld messages failed, or some were not acknowledged\n", failed);
        return 3;
    }
    printf("{\"messages\": %ld, \"seconds\": %.6f}\n", count, now() - begin);
    return 0;
}

static int consume(void *configuration, char **arguments) {
    void *(*topic_new)(void *, const char *, void *) = function("rd_kafka_topic_new");
    int (*start)(void *, int32_t, int64_t) = function("rd_kafka_consume_start");
    ssize_t (*take)(void *, int32_t, int, message_t **, size_t) = function("rd_kafka_consume_batch");
    void (*release)(message_t *) = function("rd_kafka_message_destroy");
    long count = atol(arguments[1]), received = 0, first = 0;
    static message_t *messages[CHUNK];
    double begin = 0;
    set(configuration, "fetch.queue.backoff.ms", "2");
    void *consumer = client(CONSUMER, configuration), *topic = topic_new(consumer, arguments[0], NULL);
    if (start(topic, 0, OFFSET_BEGINNING)) return 3;
    while (received < count) {
        long wanted = received ? count - received : 1;
        ssize_t got = take(topic, 0, 30000, messages, (size_t)(wanted < CHUNK ? wanted : CHUNK));
        if (got <= 0) {
            fprintf(stderr, "no message came for 30 s\n");
            return 3;
        }
        for (ssize_t index = 0; index < got; index++) {
            if (!messages[index]->err) received++;
            release(messages[index]);
        }
        if (!begin && received) {
            begin = now();
            first = received;
        }
    }
    printf("{\"messages\": %ld, \"seconds\": %.6f}\n", received - first, now() - begin);
    return 0;
}

int main(int count, char **arguments) {
    if (count < 6) {
        fprintf(stderr, "client LIBRARY produce|consume HOST:PORT TOPIC COUNT [BYTES BATCH_BYTES PARTITIONS]\n");
        return 2;
    }
    library = dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 3;
    }
    void *(*conf_new)(void) = function("rd_kafka_conf_new");
    void *configuration = conf_new();
    set(configuration, "bootstrap.servers", arguments[3]);
    if (strcmp(arguments[2], "produce") == 0 && count == 9) return produce(configuration, arguments + 4);
    if (strcmp(arguments[2], "consume") == 0) return consume(configuration, arguments + 4);
    return 2;
}
