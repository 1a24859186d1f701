// SPDX-License-Identifier: Apache-2.0
// consume BROKERS TOPIC PARTITIONS count|parse|json|csv [OUT none|gzip|zstd LEVEL]: reads a topic to
// its present end by librdkafka and counts the bytes; also parses the six fields of each message;
// also writes them. Settings as measured best for librdkafka 2.0.2, one thread of its own.

#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "click.h"
#include "output.h"

namespace {

constexpr size_t batch = 10000;

struct consume {
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    bare::click row;
    std::unique_ptr<bare::output> out;
    bare::format target = bare::format::json;
    bool parses = false;
    std::vector<char> line; // the message, with the padding that simdjson needs
    size_t messages = 0, bytes = 0, refused = 0;
};

[[noreturn]] void give_up(const char *text)
{
    std::fprintf(stderr, "consume: %s\n", text);
    std::exit(1);
}

rd_kafka_t *connect(const char *brokers)
{
    static const char *const settings[][2] = {
        {"group.id", "bare"},
        {"enable.auto.commit", "false"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "error"},
        {"queued.min.messages", "10000000"},
        {"queued.max.messages.kbytes", "262144"},
        {"fetch.message.max.bytes", "262144"},
    };
    char error[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (const auto &setting : settings) {
        if (rd_kafka_conf_set(conf, setting[0], setting[1], error, sizeof error)) {
            give_up(error);
        }
    }
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, nullptr, 0);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!client) {
        give_up(error);
    }
    rd_kafka_poll_set_consumer(client);
    return client;
}

void assign(rd_kafka_t *client, const char *topic, int partitions)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(partitions);
    for (int number = 0; number < partitions; number++) {
        rd_kafka_topic_partition_list_add(all, topic, number)->offset = 0;
    }
    if (rd_kafka_assign(client, all)) {
        give_up("cannot assign the partitions");
    }
    rd_kafka_topic_partition_list_destroy(all);
}

void take(consume &work, const rd_kafka_message_t *message)
{
    work.messages++;
    work.bytes += message->len;
    if (!work.parses) {
        return;
    }
    if (work.line.size() < message->len + simdjson::SIMDJSON_PADDING) {
        work.line.resize(2 * message->len + simdjson::SIMDJSON_PADDING);
    }
    std::memcpy(work.line.data(), message->payload, message->len);
    if (!work.row.parse(work.line.data(), message->len, bare::fields.size(), work.target)) {
        work.refused++;
    } else if (work.out) {
        bare::append(work.out->text, work.row, bare::fields.size(), work.target);
        work.out->written();
    }
}

void run(consume &work, int partitions)
{
    std::vector<rd_kafka_message_t *> messages(batch);
    while (partitions > 0) {
        ssize_t got = rd_kafka_consume_batch_queue(work.queue, 1000, messages.data(), batch);
        for (ssize_t i = 0; i < got; i++) {
            rd_kafka_message_t *message = messages[static_cast<size_t>(i)];
            if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                partitions--;
            } else if (message->err) {
                give_up(rd_kafka_message_errstr(message));
            } else {
                take(work, message);
            }
            rd_kafka_message_destroy(message);
        }
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 8) {
        std::fprintf(stderr, "usage: consume BROKERS TOPIC PARTITIONS count|parse|json|csv"
                             " [OUT none|gzip|zstd LEVEL]\n");
        return 2;
    }
    consume work{};
    std::string kind = argv[4];
    work.parses = kind != "count";
    work.target = kind == "json" ? bare::format::json : bare::format::csv; // parse: without escapes
    if (argc == 8) {
        work.out = std::make_unique<bare::output>(argv[5], argv[6], std::stoi(argv[7]));
        work.out->text = bare::header(bare::fields.size(), work.target);
    }
    int partitions = std::stoi(argv[3]);
    work.client = connect(argv[1]);
    work.queue = rd_kafka_queue_get_consumer(work.client);
    assign(work.client, argv[2], partitions);
    run(work, partitions);
    if (work.out) {
        work.out->finish();
    }
    rd_kafka_queue_destroy(work.queue);
    rd_kafka_consumer_close(work.client);
    rd_kafka_destroy(work.client);
    std::printf("%zu messages, %zu bytes, %zu refused\n", work.messages, work.bytes, work.refused);
    return 0;
}
