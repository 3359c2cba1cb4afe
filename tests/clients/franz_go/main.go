// The script that every client runs, with franz-go: `client ADDRESS PREFIX STEP...`.
// One line of JSON for each step: {"step": NAME, ...} or {"step": NAME, "error": TEXT}.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	records    = 300
	partitions = 3
	deadline   = 30 * time.Second
)

var address, prefix, topic string

type result = map[string]any

func client(options ...kgo.Opt) *kgo.Client {
	all := append([]kgo.Opt{kgo.SeedBrokers(address), kgo.ClientID("franz-go")}, options...)
	made, err := kgo.NewClient(all...)
	check(err)
	return made
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func name(err error) string {
	var known *kerr.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return fmt.Sprint(err)
}

func createAndConfigure(ctx context.Context, admin *kadm.Client) result {
	value := "3600000"
	made, err := admin.CreateTopic(ctx, partitions, 1, map[string]*string{"retention.ms": &value}, topic)
	check(err)
	read := func() string {
		found, err := admin.DescribeTopicConfigs(ctx, topic)
		check(err)
		for _, row := range found[0].Configs {
			if row.Key == "retention.ms" {
				return row.MaybeValue()
			}
		}
		return ""
	}
	before := read()
	longer := "7200000"
	_, err = admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &longer}}, topic)
	check(err)
	_, twice := admin.CreateTopic(ctx, 1, 1, nil, topic)
	metadata, err := admin.Metadata(ctx, topic)
	check(err)
	return result{"partitions": made.NumPartitions, "before": before, "after": read(), "twice": name(twice), "nodes": len(metadata.Brokers)}
}

func produce(ctx context.Context, _ *kadm.Client) result {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	acknowledged := 0
	for codec, option := range codecs {
		producer := client(kgo.ProducerBatchCompression(option), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		var batch []*kgo.Record
		for i := 0; i < records/len(codecs); i++ {
			batch = append(batch, &kgo.Record{
				Topic: topic, Partition: int32(i % partitions), Key: []byte(fmt.Sprint("key-", i)),
				Value: []byte(fmt.Sprint(codec, "-", i)), Headers: []kgo.RecordHeader{{Key: "codec", Value: []byte(codec)}},
			})
		}
		for _, row := range producer.ProduceSync(ctx, batch...) {
			check(row.Err)
			acknowledged++
		}
		producer.Close()
	}
	return result{"acknowledged": acknowledged}
}

func groupOptions(group string) []kgo.Opt {
	return []kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.HeartbeatInterval(200 * time.Millisecond),
		kgo.SessionTimeout(6 * time.Second), kgo.FetchMaxWait(200 * time.Millisecond),
	}
}

func consume(ctx context.Context, admin *kadm.Client) result { return consumeAs(ctx, admin, "classic") }

func consumeNext(ctx context.Context, admin *kadm.Client) result {
	return consumeAs(context.WithValue(ctx, "opt_in_kafka_next_gen_balancer_beta", true), admin, "consumer")
}

func consumeAs(ctx context.Context, admin *kadm.Client, protocol string) result {
	group := prefix + "-" + protocol
	options := groupOptions(group)
	if protocol == "consumer" {
		options = append(options, kgo.WithContext(ctx))
	}
	consumer := client(options...)
	count, headers, ordered, last := 0, 0, true, map[int32]int64{}
	bounded, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	for count < records && bounded.Err() == nil {
		fetches := consumer.PollFetches(bounded)
		fetches.EachRecord(func(record *kgo.Record) {
			count++
			if strings.HasPrefix(string(record.Value), string(record.Headers[0].Value)+"-") {
				headers++
			}
			if before, seen := last[record.Partition]; seen && record.Offset <= before {
				ordered = false
			}
			last[record.Partition] = record.Offset
		})
	}
	described, err := admin.ListGroups(ctx)
	check(err)
	kind := described[group].State
	check(consumer.CommitUncommittedOffsets(ctx))
	consumer.Close()
	committed, err := admin.FetchOffsets(ctx, group)
	check(err)
	var sum int64
	committed.Each(func(row kadm.OffsetResponse) { sum += row.At })
	return result{"count": count, "headers": headers, "ordered": ordered, "committed": sum, "state": kind}
}

// Two members share by the cooperative-sticky strategy; one leaves and the other has everything again.
func group(ctx context.Context, admin *kadm.Client) result {
	group := prefix + "-shared"
	var lock sync.Mutex
	shares := [2]map[int32]bool{{}, {}}
	var members [2]*kgo.Client
	for number := range members {
		change := func(holds bool) func(context.Context, *kgo.Client, map[string][]int32) {
			return func(_ context.Context, _ *kgo.Client, moved map[string][]int32) {
				lock.Lock()
				defer lock.Unlock()
				for _, partition := range moved[topic] {
					if holds {
						shares[number][partition] = true
					} else {
						delete(shares[number], partition)
					}
				}
			}
		}
		options := append(groupOptions(group), kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)),
			kgo.OnPartitionsLost(change(false)))
		members[number] = client(options...)
		go func() {
			for !members[number].PollFetches(ctx).IsClientClosed() {
			}
		}()
	}
	shared := await(func() bool {
		lock.Lock()
		defer lock.Unlock()
		return len(shares[0])+len(shares[1]) == partitions && len(shares[0]) > 0 && len(shares[1]) > 0
	})
	var described kadm.DescribedGroup
	await(func() bool {
		found, err := admin.DescribeGroups(ctx, group)
		check(err)
		described = found[group]
		return described.State == "Stable"
	})
	members[1].Close()
	again := await(func() bool {
		lock.Lock()
		defer lock.Unlock()
		return len(shares[0]) == partitions
	})
	members[0].Close()
	return result{"shared": shared, "members": len(described.Members), "state": described.State, "again": again}
}

func offsets(ctx context.Context, admin *kadm.Client) result {
	at := func(listed kadm.ListedOffsets, err error) int64 {
		check(err)
		row, _ := listed.Lookup(topic, 0)
		check(row.Err)
		return row.Offset
	}
	latest := at(admin.ListEndOffsets(ctx, topic))
	byTime := at(admin.ListOffsetsAfterMilli(ctx, 1, topic))
	before := kadm.Offsets{}
	before.AddOffset(topic, 0, 10, -1)
	_, err := admin.DeleteRecords(ctx, before)
	check(err)
	start := at(admin.ListStartOffsets(ctx, topic))
	_, err = admin.UpdatePartitions(ctx, partitions+1, topic)
	check(err)
	details, err := admin.ListTopics(ctx, topic)
	check(err)
	moved := kadm.Offsets{}
	moved.AddOffset(topic, 0, 12, -1)
	check(admin.CommitAllOffsets(ctx, prefix+"-moved", moved))
	read, err := admin.FetchOffsets(ctx, prefix+"-moved")
	check(err)
	row, _ := read.Lookup(topic, 0)
	return result{"latest": latest, "by_time": byTime, "start": start, "partitions": len(details[topic].Partitions), "moved": row.At}
}

func transactions(ctx context.Context, admin *kadm.Client) result {
	source := prefix + "-txn"
	_, err := admin.CreateTopic(ctx, 1, 1, nil, source)
	check(err)
	producer := client(kgo.TransactionalID(prefix+"-id"), kgo.DefaultProduceTopic(source))
	for _, keep := range []bool{true, false, true} {
		check(producer.BeginTransaction())
		for i := 0; i < 10; i++ {
			producer.Produce(ctx, kgo.StringRecord(map[bool]string{true: "kept", false: "dropped"}[keep]), nil)
		}
		check(producer.Flush(ctx))
		check(producer.EndTransaction(ctx, kgo.TransactionEndTry(keep)))
	}
	producer.Close()
	read := func(isolation kgo.IsolationLevel, expected int) int {
		reader := client(kgo.ConsumeTopics(source), kgo.FetchIsolationLevel(isolation), kgo.FetchMaxWait(200*time.Millisecond),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer reader.Close()
		bounded, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		count := 0
		for count < expected && bounded.Err() == nil {
			count += reader.PollFetches(bounded).NumRecords()
		}
		return count
	}
	return result{"committed": read(kgo.ReadCommitted(), 20), "uncommitted": read(kgo.ReadUncommitted(), 30)}
}

func failures(ctx context.Context, admin *kadm.Client) result {
	_, badName := admin.CreateTopic(ctx, 1, 1, nil, "a b")
	_, noTopic := admin.DeleteTopic(ctx, "nope-"+prefix)
	_, noGroup := admin.DeleteGroup(ctx, "nope-"+prefix)
	return result{"bad name": name(badName), "no topic": name(noTopic), "no group": name(noGroup)}
}

func deleteAll(ctx context.Context, admin *kadm.Client) result {
	_, err := admin.DeleteGroup(ctx, prefix+"-classic")
	check(err)
	_, err = admin.DeleteTopic(ctx, topic)
	check(err)
	gone := await(func() bool {
		details, err := admin.ListTopics(ctx)
		check(err)
		return !details.Has(topic)
	})
	return result{"gone": gone}
}

func await(holds func() bool) bool {
	end := time.Now().Add(deadline)
	for !holds() {
		if time.Now().After(end) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

func main() {
	address, prefix = os.Args[1], os.Args[2]
	topic = prefix + "-t"
	steps := map[string]func(context.Context, *kadm.Client) result{
		"admin": createAndConfigure, "produce": produce, "consume": consume, "consume_next": consumeNext, "group": group,
		"offsets": offsets, "transactions": transactions, "errors": failures, "delete": deleteAll,
	}
	admin := kadm.NewClient(client())
	defer admin.Close()
	for _, step := range os.Args[3:] {
		row := run(steps[step], admin)
		row["step"] = step
		line, err := json.Marshal(row)
		check(err)
		fmt.Println(string(line))
	}
}

func run(step func(context.Context, *kadm.Client) result, admin *kadm.Client) (row result) {
	defer func() {
		if fault := recover(); fault != nil {
			row = result{"error": fmt.Sprint(fault)}
		}
	}()
	return step(context.Background(), admin)
}
