package chainflow.bench;

import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Counts records per key and emits the count after every record, exactly once, on RocksDB with a changelog.
 *
 * <p>Arguments: bootstrap, application id, source, output, state folder, stream threads, "cached" or "plain" store.
 */
public final class Counter {
  private static final String STORE = "counts";

  private Counter() {}

  static final class Count extends ContextualProcessor<byte[], byte[], byte[], byte[]> {
    private KeyValueStore<byte[], byte[]> counts;

    @Override
    public void init(
        org.apache.kafka.streams.processor.api.ProcessorContext<byte[], byte[]> context) {
      super.init(context);
      counts = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      byte[] before = counts.get(record.key());
      long number = before == null ? 1 : Long.parseLong(new String(before, StandardCharsets.US_ASCII)) + 1;
      byte[] after = Long.toString(number).getBytes(StandardCharsets.US_ASCII);
      counts.put(record.key(), after);
      context().forward(record.withValue(after));
    }
  }

  public static void main(String[] arguments) throws InterruptedException {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[1]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, arguments[5]);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");

    StoreBuilder<KeyValueStore<byte[], byte[]>> store =
        Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(STORE), Serdes.ByteArray(), Serdes.ByteArray());
    if (arguments[6].equals("cached")) {
      store = store.withCachingEnabled();
    }
    var bytes = Serdes.ByteArray();
    Topology topology = new Topology();
    topology.addSource("source", bytes.deserializer(), bytes.deserializer(), arguments[2]);
    topology.addProcessor("count", Count::new, "source");
    topology.addStateStore(store, "count");
    topology.addSink("out", arguments[3], bytes.serializer(), bytes.serializer(), "count");

    KafkaStreams streams = new KafkaStreams(topology, settings);
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  streams.close();
                  ended.countDown();
                }));
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          Runtime.getRuntime().halt(1);
          return null;
        });
    streams.start();
    ended.await();
  }
}
