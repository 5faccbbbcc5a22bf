// SPDX-License-Identifier: Apache-2.0
package peer;

import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.arrow.compression.CommonsCompressionFactory;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.FlightClient;
import org.apache.arrow.flight.FlightDescriptor;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightProducer;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.PutResult;
import org.apache.arrow.flight.SyncPutListener;
import org.apache.arrow.flight.Ticket;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.VectorUnloader;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.arrow.vector.util.Validator;

/** JSON mode: a dataset is uploaded, described, and downloaded from every place that the server names. */
final class JsonMode {
  private static final class Dataset {
    Schema schema;
    DictionaryProvider dictionaries;
    final List<ArrowRecordBatch> batches = new ArrayList<>();
    long rows;
  }

  private final BufferAllocator allocator;
  private final Map<String, Dataset> stored = new ConcurrentHashMap<>();
  private volatile int port;

  JsonMode(BufferAllocator allocator) {
    this.allocator = allocator;
  }

  void setPort(int port) {
    this.port = port;
  }

  private static String nameOf(FlightDescriptor descriptor) {
    if (descriptor.isCommand() || descriptor.getPath().isEmpty()) {
      throw CallStatus.INVALID_ARGUMENT.withDescription("the descriptor is no path").toRuntimeException();
    }
    return descriptor.getPath().get(0);
  }

  private Dataset find(String name) {
    Dataset dataset = stored.get(name);
    if (dataset == null) {
      throw CallStatus.NOT_FOUND.withDescription("no such dataset").toRuntimeException();
    }
    return dataset;
  }

  private static byte[] textOf(int number) {
    return Integer.toString(number).getBytes(StandardCharsets.UTF_8);
  }

  FlightInfo info(FlightDescriptor descriptor) {
    String name = nameOf(descriptor);
    Dataset dataset = find(name);
    Ticket ticket = new Ticket(name.getBytes(StandardCharsets.UTF_8));
    FlightEndpoint endpoint = new FlightEndpoint(ticket, Location.forGrpcInsecure("127.0.0.1", port));
    return FlightInfo.builder(dataset.schema, descriptor, List.of(endpoint)).setRecords(dataset.rows).setBytes(-1).build();
  }

  /** Answers each batch at once; stores the dataset when the client has sent all. */
  void put(FlightStream stream, FlightProducer.StreamListener<PutResult> answers) {
    try {
      Dataset dataset = new Dataset();
      VectorUnloader unloader = new VectorUnloader(stream.getRoot());
      while (stream.next()) {
        dataset.batches.add(unloader.getRecordBatch());
        dataset.rows += stream.getRoot().getRowCount();
        ArrowBuf metadata = stream.getLatestMetadata();
        if (metadata != null) {
          answers.onNext(PutResult.metadata(metadata)); // the stream keeps the buffer
        }
      }
      dataset.schema = stream.getSchema();
      dataset.dictionaries = stream.takeDictionaryOwnership();
      stored.put(nameOf(stream.getDescriptor()), dataset);
      answers.onCompleted();
    } catch (RuntimeException failure) {
      answers.onError(CallStatus.INTERNAL.withCause(failure).withDescription(failure.toString()).toRuntimeException());
    }
  }

  void get(Ticket ticket, FlightProducer.ServerStreamListener listener) {
    Dataset dataset = find(new String(ticket.getBytes(), StandardCharsets.UTF_8));
    try (VectorSchemaRoot root = VectorSchemaRoot.create(dataset.schema, allocator)) {
      VectorLoader loader = new VectorLoader(root);
      listener.start(root, dataset.dictionaries);
      for (int i = 0; i < dataset.batches.size(); i++) {
        loader.load(dataset.batches.get(i));
        listener.putNext(Peer.bufferOf(allocator, textOf(i)));
      }
      listener.completed();
    }
  }

  private static void upload(BufferAllocator allocator, FlightClient client, FlightDescriptor descriptor, String file)
      throws Exception {
    try (InputStream input = new FileInputStream(file);
        ArrowStreamReader reader = new ArrowStreamReader(input, allocator, CommonsCompressionFactory.INSTANCE);
        SyncPutListener answers = new SyncPutListener()) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      FlightClient.ClientStreamListener writer = null;
      for (int i = 0; reader.loadNextBatch(); i++) {
        if (writer == null) {
          writer = client.startPut(descriptor, root, reader, answers);
        }
        writer.putNext(Peer.bufferOf(allocator, textOf(i)));
        try (PutResult answer = answers.read()) {
          String text = new String(Peer.bytesOf(answer.getApplicationMetadata()), StandardCharsets.UTF_8);
          Peer.expect(text, Integer.toString(i), "answer");
        }
      }
      if (writer == null) {
        writer = client.startPut(descriptor, root, reader, answers);
      }
      writer.completed();
      Peer.expect(answers.read(), null, "answer after the last");
      writer.getResult();
    }
  }

  private static void download(BufferAllocator allocator, Location place, Ticket ticket, String file)
      throws Exception {
    try (FlightClient client = PeerClient.connect(allocator, place);
        FlightStream stream = client.getStream(ticket);
        InputStream input = new FileInputStream(file);
        ArrowStreamReader reader = new ArrowStreamReader(input, allocator, CommonsCompressionFactory.INSTANCE)) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      Validator.compareSchemas(root.getSchema(), stream.getSchema());
      for (int i = 0; reader.loadNextBatch(); i++) {
        Peer.expect(stream.next(), true, "batch " + i + " came");
        String text = new String(Peer.bytesOf(stream.getLatestMetadata()), StandardCharsets.UTF_8);
        Peer.expect(text, Integer.toString(i), "metadata");
        Validator.compareVectorSchemaRoot(root, stream.getRoot());
        Validator.compareDictionaryProviders(reader, stream.getDictionaryProvider());
      }
      Peer.expect(stream.next(), false, "a batch after the last");
    }
  }

  static void runClient(BufferAllocator allocator, FlightClient client, String path) throws Exception {
    String file = path.replaceFirst("\\.gz$", "").replaceFirst("\\.json$", "") + ".stream";
    FlightDescriptor descriptor = FlightDescriptor.path(path);
    upload(allocator, client, descriptor, file);
    for (FlightEndpoint endpoint : client.getInfo(descriptor).getEndpoints()) {
      for (Location place : endpoint.getLocations()) {
        download(allocator, place, endpoint.getTicket(), file);
      }
    }
  }
}
