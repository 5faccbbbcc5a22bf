// SPDX-License-Identifier: Apache-2.0
package peer;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.arrow.flight.Action;
import org.apache.arrow.flight.ActionType;
import org.apache.arrow.flight.CallHeaders;
import org.apache.arrow.flight.CallInfo;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.CancelFlightInfoRequest;
import org.apache.arrow.flight.CancelStatus;
import org.apache.arrow.flight.CloseSessionRequest;
import org.apache.arrow.flight.CloseSessionResult;
import org.apache.arrow.flight.FlightClient;
import org.apache.arrow.flight.FlightClientMiddleware;
import org.apache.arrow.flight.FlightDescriptor;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightRuntimeException;
import org.apache.arrow.flight.FlightStatusCode;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.GetSessionOptionsRequest;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.PollInfo;
import org.apache.arrow.flight.RenewFlightEndpointRequest;
import org.apache.arrow.flight.Result;
import org.apache.arrow.flight.SessionOptionValue;
import org.apache.arrow.flight.SessionOptionValueFactory;
import org.apache.arrow.flight.SetSessionOptionsRequest;
import org.apache.arrow.flight.SetSessionOptionsResult;
import org.apache.arrow.flight.client.ClientCookieMiddleware;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.types.pojo.Schema;

/** The client: a script of calls for each scenario. */
final class PeerClient {
  private PeerClient() {}

  static FlightClient connect(
      BufferAllocator allocator, Location location, FlightClientMiddleware.Factory... middleware) {
    FlightClient.Builder builder =
        FlightClient.builder(allocator, location).maxInboundMessageSize(Integer.MAX_VALUE);
    for (FlightClientMiddleware.Factory factory : middleware) {
      builder.intercept(factory);
    }
    return builder.build();
  }

  static void run(BufferAllocator allocator, String host, int port, String scenario, String path) throws Exception {
    Location location = Location.forGrpcInsecure(host, port);
    if (scenario.equals("middleware")) {
      middleware(allocator, location);
      return;
    }
    try (FlightClient client = connect(allocator, location, new ClientCookieMiddleware.Factory())) {
      if (scenario.startsWith("flight_sql")) {
        SqlPeerClient.run(allocator, client, scenario);
        return;
      }
      switch (scenario) {
        case "":
          JsonMode.runClient(allocator, client, path);
          break;
        case "auth:basic_proto":
          auth(client);
          break;
        case "ordered":
          ordered(client);
          break;
        case "expiration_time:do_get":
          expirationDoGet(client);
          break;
        case "expiration_time:list_actions":
          List<String> names = new ArrayList<>();
          for (ActionType type : client.listActions()) {
            names.add(type.getType());
          }
          Collections.sort(names);
          Peer.expect(names, List.of("CancelFlightInfo", "RenewFlightEndpoint"), "actions");
          break;
        case "expiration_time:cancel_flight_info":
          expirationCancel(client);
          break;
        case "expiration_time:renew_flight_endpoint":
          expirationRenew(client);
          break;
        case "do_exchange:echo":
          exchange(allocator, client);
          break;
        case "location:reuse_connection":
          List<Location> locations = client.getInfo(command("reuse")).getEndpoints().get(0).getLocations();
          Peer.expect(locations.toString(), "[Location{uri=" + Peer.REUSE + "}]", "locations");
          break;
        case "session_options":
          sessionOptions(client);
          break;
        case "poll_flight_info":
          poll(client);
          break;
        case "app_metadata_flight_info_endpoint":
          FlightInfo info = client.getInfo(command("foobar"));
          Peer.expect(textOf(info.getAppMetadata()), "foobar", "app_metadata of the info");
          Peer.expect(info.getEndpoints().size(), 1, "number of endpoints");
          Peer.expect(textOf(info.getEndpoints().get(0).getAppMetadata()), "foobar", "app_metadata of the endpoint");
          break;
        default:
          throw new AssertionError("there is no scenario " + scenario);
      }
    }
  }

  private static FlightDescriptor command(String text) {
    return FlightDescriptor.command(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String textOf(byte[] bytes) {
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }

  private static void auth(FlightClient client) {
    try {
      client.doAction(new Action("")).forEachRemaining(result -> {});
      throw new AssertionError("an action without a token succeeded");
    } catch (FlightRuntimeException failure) {
      Peer.expect(failure.status().code(), FlightStatusCode.UNAUTHENTICATED, "status without a token");
    }
    client.authenticateBasic(Peer.USERNAME, Peer.PASSWORD);
    List<String> results = new ArrayList<>();
    Iterator<Result> answers = client.doAction(new Action(""));
    answers.forEachRemaining(result -> results.add(textOf(result.getBody())));
    Peer.expect(results, List.of(Peer.USERNAME), "results");
  }

  /** Sends a header with each call, and keeps what came back. */
  private static final class Watch implements FlightClientMiddleware.Factory {
    String received;

    @Override
    public FlightClientMiddleware onCallStarted(CallInfo info) {
      return new FlightClientMiddleware() {
        @Override
        public void onBeforeSendingHeaders(CallHeaders headers) {
          headers.insert(Peer.HEADER, Peer.VALUE);
        }

        @Override
        public void onHeadersReceived(CallHeaders headers) {
          received = headers.containsKey(Peer.HEADER) ? headers.get(Peer.HEADER) : received;
        }

        @Override
        public void onCallCompleted(CallStatus status) {}
      };
    }
  }

  private static void middleware(BufferAllocator allocator, Location location) throws Exception {
    Watch watch = new Watch();
    try (FlightClient client = connect(allocator, location, watch)) {
      try {
        client.getInfo(command(""));
        throw new AssertionError("the command '' succeeded");
      } catch (FlightRuntimeException failure) {
        Peer.expect(watch.received, Peer.VALUE, "header of a call that failed");
      }
      watch.received = null;
      client.getInfo(command("success"));
      Peer.expect(watch.received, Peer.VALUE, "header of a call that succeeded");
    }
  }

  /** All rows of the endpoints, read over the same connection. */
  private static List<Object> readEndpoints(FlightClient client, FlightInfo info) throws Exception {
    List<Object> rows = new ArrayList<>();
    for (FlightEndpoint endpoint : info.getEndpoints()) {
      Peer.expect(endpoint.getLocations(), List.of(), "locations");
      try (FlightStream stream = client.getStream(endpoint.getTicket())) {
        while (stream.next()) {
          for (int i = 0; i < stream.getRoot().getRowCount(); i++) {
            rows.add(stream.getRoot().getVector(0).getObject(i));
          }
        }
      }
    }
    return rows;
  }

  private static void ordered(FlightClient client) throws Exception {
    FlightInfo info = client.getInfo(command("ordered"));
    Peer.expect(info.getOrdered(), true, "ordered");
    Peer.expect(info.getSchema(), Peer.INT32, "schema");
    List<Object> expected = new ArrayList<>();
    for (int[] values : Peer.ORDERED) {
      Arrays.stream(values).forEach(expected::add);
    }
    Peer.expect(readEndpoints(client, info), expected, "rows");
  }

  private static void expirationDoGet(FlightClient client) throws Exception {
    FlightInfo info = client.getInfo(command("expiration_time"));
    List<Boolean> found = new ArrayList<>();
    info.getEndpoints().forEach(endpoint -> found.add(endpoint.getExpirationTime().isPresent()));
    Peer.expect(found, List.of(false, true, true), "expirations");
    Peer.expect(readEndpoints(client, info), List.of(0, 1, 2), "rows");
  }

  private static void expirationCancel(FlightClient client) throws Exception {
    FlightInfo info = client.getInfo(command("expiration_time"));
    CancelStatus status = client.cancelFlightInfo(new CancelFlightInfoRequest(info)).getStatus();
    Peer.expect(status, CancelStatus.CANCELLED, "status");
    for (FlightEndpoint endpoint : info.getEndpoints()) {
      boolean isRead = true;
      try (FlightStream stream = client.getStream(endpoint.getTicket())) {
        stream.next();
      } catch (FlightRuntimeException failure) {
        isRead = false;
      }
      Peer.expect(isRead, false, "a cancelled endpoint can be read");
    }
  }

  private static void expirationRenew(FlightClient client) {
    for (FlightEndpoint endpoint : client.getInfo(command("expiration_time")).getEndpoints()) {
      if (endpoint.getExpirationTime().isEmpty()) {
        continue;
      }
      Instant before = endpoint.getExpirationTime().get();
      FlightEndpoint renewed = client.renewFlightEndpoint(new RenewFlightEndpointRequest(endpoint));
      Instant after = renewed.getExpirationTime().orElse(before);
      Peer.expect(after.isAfter(before), true, "renewing gave a later time");
    }
  }

  private static void exchange(BufferAllocator allocator, FlightClient client) throws Exception {
    Schema schema = Peer.schemaOf("x", true);
    try (FlightClient.ExchangeReaderWriter call = client.doExchange(command("echo"));
        VectorSchemaRoot root = VectorSchemaRoot.create(schema, allocator)) {
      FlightStream reader = call.getReader();
      call.getWriter().start(root);
      for (int begin = 0; begin < 4; begin++) {
        IntVector column = (IntVector) root.getVector(0);
        for (int i = 0; i < 10; i++) {
          column.setSafe(i, begin + i);
        }
        root.setRowCount(10);
        String text = begin % 2 == 0 ? Integer.toString(begin) : null;
        if (text != null) {
          call.getWriter().putNext(Peer.bufferOf(allocator, text.getBytes(StandardCharsets.UTF_8)));
        } else {
          call.getWriter().putNext();
        }
        Peer.expect(reader.next(), true, "batch " + begin + " came back");
        Peer.expect(reader.getSchema(), schema, "schema");
        var metadata = reader.getLatestMetadata();
        Peer.expect(metadata == null ? null : textOf(Peer.bytesOf(metadata)), text, "metadata");
        Peer.expect(reader.getRoot().equals(root), true, "batch " + begin + " is what was sent");
      }
      call.getWriter().completed();
      Peer.expect(reader.next(), false, "a message after the last");
      call.getResult();
    }
  }

  private static Map<String, Object> optionsOf(FlightClient client) {
    Map<String, Object> found = new HashMap<>();
    client
        .getSessionOptions(new GetSessionOptionsRequest())
        .getSessionOptions()
        .forEach((name, value) -> found.put(name, OptionText.of(value)));
    return found;
  }

  private static void sessionOptions(FlightClient client) {
    String[] list = {"a", "b", "sea", "dee", " ", "  ", "geee", "(づ｡◕‿‿◕｡)づ"};
    String text = String.join(",", list);
    Map<String, SessionOptionValue> options = new HashMap<>();
    options.put("foolong", SessionOptionValueFactory.makeSessionOptionValue(123L));
    options.put("bardouble", SessionOptionValueFactory.makeSessionOptionValue(456.0));
    options.put("lol_invalid", SessionOptionValueFactory.makeSessionOptionValue("this won't get set"));
    options.put("key_with_invalid_value", SessionOptionValueFactory.makeSessionOptionValue("lol_invalid"));
    options.put("big_ol_string_list", SessionOptionValueFactory.makeSessionOptionValue(list));
    Map<String, SetSessionOptionsResult.Error> errors =
        client.setSessionOptions(new SetSessionOptionsRequest(options)).getErrors();
    Peer.expect(errors.size(), 2, "number of errors");
    Peer.expect(errors.get("lol_invalid").value, SetSessionOptionsResult.ErrorValue.INVALID_NAME, "error of a name");
    Peer.expect(
        errors.get("key_with_invalid_value").value,
        SetSessionOptionsResult.ErrorValue.INVALID_VALUE,
        "error of a value");
    Map<String, Object> expected = new HashMap<>();
    expected.put("foolong", 123L);
    expected.put("bardouble", 456.0);
    expected.put("big_ol_string_list", Arrays.asList(list));
    Peer.expect(optionsOf(client), expected, "options");

    options.clear();
    options.put("foolong", SessionOptionValueFactory.makeEmptySessionOptionValue());
    options.put("big_ol_string_list", SessionOptionValueFactory.makeSessionOptionValue(text));
    Peer.expect(client.setSessionOptions(new SetSessionOptionsRequest(options)).hasErrors(), false, "errors");
    expected.remove("foolong");
    expected.put("big_ol_string_list", text);
    Peer.expect(optionsOf(client), expected, "options after a change");
    Peer.expect(
        client.closeSession(new CloseSessionRequest()).getStatus(), CloseSessionResult.Status.CLOSED, "the close");
  }

  private static void poll(FlightClient client) {
    PollInfo first = client.pollInfo(command("heavy query"));
    double progress = first.getProgress().orElse(-1.0);
    Peer.expect(progress >= 0.0 && progress <= 1.0, true, "progress is between 0 and 1");
    Peer.expect(first.getExpirationTime().isPresent(), true, "the first answer expires");
    PollInfo last = client.pollInfo(first.getFlightDescriptor().orElseThrow());
    Peer.expect(last.getFlightDescriptor().isPresent(), false, "descriptor of the last answer");
    Peer.expect(last.getProgress().orElse(-1.0), 1.0, "progress of the last answer");
    Peer.expect(last.getExpirationTime().isPresent(), false, "expiration of the last answer");
  }
}
