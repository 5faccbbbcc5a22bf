// SPDX-License-Identifier: Apache-2.0
package peer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.arrow.flight.FlightDescriptor;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Arrow's integration scenarios with Arrow's Java libraries, as a program with the flags of the others:
 *
 * <pre>
 * peer.Peer server -port 0 [-scenario NAME]
 * peer.Peer client -host H -port P (-scenario NAME | -path X.json)
 * </pre>
 *
 * Java has no choice of alignment, so that scenario is missing. JSON mode reads the IPC stream beside the JSON file.
 */
public final class Peer {
  static final String USERNAME = "arrow";
  static final String PASSWORD = "flight";
  static final String HEADER = "x-middleware";
  static final String VALUE = "expected value";
  static final String REUSE = "arrow-flight-reuse-connection://?";
  static final int[][] ORDERED = {{1, 2, 3}, {10, 20, 30}, {100, 200, 300}};
  static final Schema INT32 = schemaOf("number", true);
  static final Schema UINT32 = schemaOf("number", false);
  static final Schema EMPTY = new Schema(List.of());

  private Peer() {}

  /** One column of 32 bits that is never null. */
  static Schema schemaOf(String name, boolean isSigned) {
    return new Schema(List.of(new Field(name, FieldType.notNullable(new ArrowType.Int(32, isSigned)), null)));
  }

  static FlightInfo.Builder infoOf(Schema schema, FlightDescriptor descriptor, FlightEndpoint... endpoints) {
    return FlightInfo.builder(schema, descriptor, List.of(endpoints)).setRecords(-1).setBytes(-1);
  }

  static void expect(Object actual, Object expected, String what) {
    if (!Objects.equals(actual, expected)) {
      throw new AssertionError(what + ": " + actual + ", expected " + expected);
    }
  }

  static byte[] bytesOf(ArrowBuf buffer) {
    byte[] bytes = new byte[(int) buffer.readableBytes()];
    buffer.getBytes(buffer.readerIndex(), bytes);
    return bytes;
  }

  static ArrowBuf bufferOf(BufferAllocator allocator, byte[] bytes) {
    ArrowBuf buffer = allocator.buffer(bytes.length);
    buffer.writeBytes(bytes);
    return buffer;
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, String> flags = new HashMap<>();
    for (int i = 1; i + 1 < arguments.length; i += 2) {
      flags.put(arguments[i].replaceFirst("^--?", ""), arguments[i + 1]);
    }
    String scenario = flags.getOrDefault("scenario", "");
    int port = Integer.parseInt(flags.getOrDefault("port", "0"));
    BufferAllocator allocator = new RootAllocator();
    if (Arrays.asList(arguments).indexOf("server") == 0) {
      PeerServer.serve(allocator, port, scenario);
      return;
    }
    try {
      PeerClient.run(allocator, flags.get("host"), port, scenario, flags.get("path"));
      System.exit(0);
    } catch (Throwable failure) {
      failure.printStackTrace();
      System.exit(1);
    }
  }
}
