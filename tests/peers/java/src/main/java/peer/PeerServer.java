// SPDX-License-Identifier: Apache-2.0
package peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.arrow.flight.Action;
import org.apache.arrow.flight.ActionType;
import org.apache.arrow.flight.CallHeaders;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.CancelFlightInfoRequest;
import org.apache.arrow.flight.CancelFlightInfoResult;
import org.apache.arrow.flight.CloseSessionResult;
import org.apache.arrow.flight.FlightConstants;
import org.apache.arrow.flight.FlightDescriptor;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightServer;
import org.apache.arrow.flight.FlightServerMiddleware;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.GetSessionOptionsResult;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.NoOpFlightProducer;
import org.apache.arrow.flight.PollInfo;
import org.apache.arrow.flight.PutResult;
import org.apache.arrow.flight.RenewFlightEndpointRequest;
import org.apache.arrow.flight.Result;
import org.apache.arrow.flight.ServerSessionMiddleware;
import org.apache.arrow.flight.SessionOptionValue;
import org.apache.arrow.flight.SetSessionOptionsRequest;
import org.apache.arrow.flight.SetSessionOptionsResult;
import org.apache.arrow.flight.Ticket;
import org.apache.arrow.flight.auth.BasicServerAuthHandler;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.UInt4Vector;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.VectorUnloader;
import org.apache.arrow.vector.types.pojo.Schema;

/** The server: one producer that answers as its scenario asks. */
final class PeerServer extends NoOpFlightProducer {
  private static final byte[] TOKEN = "java\0token".getBytes(StandardCharsets.UTF_8);
  private static final FlightServerMiddleware.Key<ServerSessionMiddleware> SESSION =
      FlightServerMiddleware.Key.of("session");

  private final BufferAllocator allocator;
  private final String scenario;
  private final Expirations expirations = new Expirations();
  private final JsonMode datasets;

  private PeerServer(BufferAllocator allocator, String scenario) {
    this.allocator = allocator;
    this.scenario = scenario;
    this.datasets = new JsonMode(allocator);
  }

  static void serve(BufferAllocator allocator, int port, String scenario) throws Exception {
    PeerServer producer = new PeerServer(allocator, scenario);
    FlightServer.Builder builder =
        FlightServer.builder(
                allocator,
                Location.forGrpcInsecure("127.0.0.1", port),
                scenario.startsWith("flight_sql") ? new SqlPeerServer(allocator, scenario) : producer)
            .maxInboundMessageSize(Integer.MAX_VALUE);
    if (scenario.equals("auth:basic_proto")) {
      builder.authHandler(new BasicServerAuthHandler(new Passwords()));
    } else if (scenario.equals("middleware")) {
      builder.middleware(
          FlightServerMiddleware.Key.of("header"), (info, headers, context) -> new Echo(headers.get(Peer.HEADER)));
    } else if (scenario.equals("session_options")) {
      builder.middleware(SESSION, new ServerSessionMiddleware.Factory(() -> UUID.randomUUID().toString()));
    }
    FlightServer server = builder.build().start();
    producer.datasets.setPort(server.getPort());
    System.out.println("Server listening on localhost:" + server.getPort());
    server.awaitTermination();
  }

  private static final class Passwords implements BasicServerAuthHandler.BasicAuthValidator {
    @Override
    public byte[] getToken(String username, String password) {
      if (!username.equals(Peer.USERNAME) || !password.equals(Peer.PASSWORD)) {
        throw CallStatus.UNAUTHENTICATED.withDescription("wrong name or password").toRuntimeException();
      }
      return TOKEN;
    }

    @Override
    public Optional<String> isValid(byte[] token) {
      return Arrays.equals(token, TOKEN) ? Optional.of(Peer.USERNAME) : Optional.empty();
    }
  }

  /** Sends the header back that came with the call. */
  private static final class Echo implements FlightServerMiddleware {
    private final String value;

    Echo(String value) {
      this.value = value == null ? "" : value;
    }

    @Override
    public void onBeforeSendingHeaders(CallHeaders headers) {
      headers.insert(Peer.HEADER, value);
    }

    @Override
    public void onCallCompleted(CallStatus status) {}

    @Override
    public void onCallErrored(Throwable failure) {}
  }

  private static FlightEndpoint endpoint(String ticket, Location... locations) {
    return new FlightEndpoint(new Ticket(ticket.getBytes(StandardCharsets.UTF_8)), locations);
  }

  @Override
  public FlightInfo getFlightInfo(CallContext context, FlightDescriptor descriptor) {
    if (scenario.isEmpty()) {
      return datasets.info(descriptor);
    }
    if (!descriptor.isCommand()) {
      throw CallStatus.INVALID_ARGUMENT.withDescription("the descriptor is no command").toRuntimeException();
    }
    String command = new String(descriptor.getCommand(), StandardCharsets.UTF_8);
    switch (scenario.split(":")[0]) {
      case "middleware":
        if (!command.equals("success")) {
          throw CallStatus.UNKNOWN.withDescription("unknown command").toRuntimeException();
        }
        Location nowhere = Location.forGrpcInsecure("localhost", 10010);
        return Peer.infoOf(Peer.EMPTY, descriptor, endpoint("foo", nowhere)).build();
      case "ordered":
        return Peer.infoOf(Peer.INT32, descriptor, endpoint("1"), endpoint("2"), endpoint("3"))
            .setOrdered(command.equals("ordered"))
            .build();
      case "location":
        return Peer.infoOf(Peer.EMPTY, descriptor, endpoint("reuse", Location.reuseConnection())).build();
      case "app_metadata_flight_info_endpoint":
        FlightEndpoint only =
            FlightEndpoint.builder(new Ticket(new byte[0])).setAppMetadata(descriptor.getCommand()).build();
        return Peer.infoOf(Peer.UINT32, descriptor, only).setAppMetadata(descriptor.getCommand()).build();
      case "expiration_time":
        return Peer.infoOf(Peer.UINT32, descriptor, expirations.begin()).build();
      default:
        throw CallStatus.UNIMPLEMENTED.withDescription("the scenario has no infos").toRuntimeException();
    }
  }

  @Override
  public PollInfo pollFlightInfo(CallContext context, FlightDescriptor descriptor) {
    FlightInfo info = Peer.infoOf(Peer.UINT32, descriptor, endpoint("long-running query")).build();
    if (new String(descriptor.getCommand(), StandardCharsets.UTF_8).equals("heavy query")) {
      FlightDescriptor next = FlightDescriptor.command("poll".getBytes(StandardCharsets.UTF_8));
      return new PollInfo(info, next, 0.1, Instant.now().plusSeconds(10));
    }
    return new PollInfo(info, null, 1.0, null);
  }

  @Override
  public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
    if (scenario.isEmpty()) {
      datasets.get(ticket, listener);
      return;
    }
    int[] values;
    Schema schema = Peer.INT32;
    if (scenario.equals("ordered")) {
      String text = new String(ticket.getBytes(), StandardCharsets.UTF_8);
      if (!text.matches("[1-3]")) {
        throw CallStatus.NOT_FOUND.withDescription("no flight has this ticket").toRuntimeException();
      }
      values = Peer.ORDERED[Integer.parseInt(text) - 1];
    } else {
      values = new int[] {expirations.read(ticket)};
      schema = Peer.UINT32;
    }
    try (VectorSchemaRoot root = VectorSchemaRoot.create(schema, allocator)) {
      for (int i = 0; i < values.length; i++) {
        if (schema == Peer.INT32) {
          ((IntVector) root.getVector(0)).setSafe(i, values[i]);
        } else {
          ((UInt4Vector) root.getVector(0)).setSafe(i, values[i]);
        }
      }
      root.setRowCount(values.length);
      listener.start(root);
      listener.putNext();
      listener.completed();
    }
  }

  @Override
  public Runnable acceptPut(CallContext context, FlightStream stream, StreamListener<PutResult> answers) {
    return () -> datasets.put(stream, answers);
  }

  @Override
  public void doExchange(CallContext context, FlightStream reader, ServerStreamListener writer) {
    FlightDescriptor descriptor = reader.getDescriptor();
    if (!descriptor.isCommand()) {
      writer.error(CallStatus.INVALID_ARGUMENT.withDescription("the descriptor is no command").toRuntimeException());
      return;
    }
    if (!new String(descriptor.getCommand(), StandardCharsets.UTF_8).equals("echo")) {
      writer.error(CallStatus.UNIMPLEMENTED.withDescription("unknown command").toRuntimeException());
      return;
    }
    VectorSchemaRoot root = null;
    while (reader.next()) {
      boolean hasMetadata = reader.getLatestMetadata() != null;
      if (hasMetadata) {
        reader.getLatestMetadata().getReferenceManager().retain();
      }
      if (!reader.hasRoot()) {
        writer.putMetadata(reader.getLatestMetadata());
        continue;
      }
      if (root == null) {
        root = VectorSchemaRoot.create(reader.getSchema(), allocator);
        writer.start(root);
      }
      try (var batch = new VectorUnloader(reader.getRoot()).getRecordBatch()) {
        new VectorLoader(root).load(batch);
      }
      if (hasMetadata) {
        writer.putNext(reader.getLatestMetadata());
      } else {
        writer.putNext();
      }
    }
    writer.completed();
    if (root != null) {
      root.close();
    }
  }

  @Override
  public void doAction(CallContext context, Action action, StreamListener<Result> results) {
    ByteBuffer body = ByteBuffer.wrap(action.getBody());
    ByteBuffer answer;
    try {
      if (action.getType().isEmpty() && scenario.equals("auth:basic_proto")) {
        answer = ByteBuffer.wrap(context.peerIdentity().getBytes(StandardCharsets.UTF_8));
      } else if (action.getType().equals(FlightConstants.CANCEL_FLIGHT_INFO.getType())) {
        FlightInfo info = CancelFlightInfoRequest.deserialize(body).getInfo();
        answer = new CancelFlightInfoResult(expirations.cancel(info)).serialize();
      } else if (action.getType().equals(FlightConstants.RENEW_FLIGHT_ENDPOINT.getType())) {
        answer = expirations.renew(RenewFlightEndpointRequest.deserialize(body).getFlightEndpoint()).serialize();
      } else if (scenario.equals("session_options")) {
        answer = sessionAction(context.getMiddleware(SESSION), action.getType(), body);
      } else {
        throw CallStatus.UNIMPLEMENTED.withDescription("no such action").toRuntimeException();
      }
    } catch (java.io.IOException | java.net.URISyntaxException failure) {
      throw CallStatus.INVALID_ARGUMENT.withCause(failure).toRuntimeException();
    }
    byte[] bytes = new byte[answer.remaining()];
    answer.get(bytes);
    results.onNext(new Result(bytes));
    results.onCompleted();
  }

  private static ByteBuffer sessionAction(ServerSessionMiddleware sessions, String type, ByteBuffer body)
      throws java.io.IOException {
    if (type.equals(FlightConstants.SET_SESSION_OPTIONS.getType())) {
      return setOptions(sessions.getSession(), SetSessionOptionsRequest.deserialize(body)).serialize();
    }
    if (type.equals(FlightConstants.GET_SESSION_OPTIONS.getType())) {
      return new GetSessionOptionsResult(sessions.getSession().getSessionOptions()).serialize();
    }
    if (type.equals(FlightConstants.CLOSE_SESSION.getType())) {
      sessions.closeSession();
      return new CloseSessionResult(CloseSessionResult.Status.CLOSED).serialize();
    }
    throw CallStatus.UNIMPLEMENTED.withDescription("no such action").toRuntimeException();
  }

  private static SetSessionOptionsResult setOptions(
      ServerSessionMiddleware.Session session, SetSessionOptionsRequest request) {
    Map<String, SetSessionOptionsResult.Error> errors = new HashMap<>();
    for (Map.Entry<String, SessionOptionValue> option : request.getSessionOptions().entrySet()) {
      if (option.getKey().equals("lol_invalid")) {
        errors.put(option.getKey(), new SetSessionOptionsResult.Error(SetSessionOptionsResult.ErrorValue.INVALID_NAME));
      } else if ("lol_invalid".equals(OptionText.of(option.getValue()))) {
        errors.put(option.getKey(), new SetSessionOptionsResult.Error(SetSessionOptionsResult.ErrorValue.INVALID_VALUE));
      } else if (option.getValue().isEmpty()) {
        session.eraseSessionOption(option.getKey());
      } else {
        session.setSessionOption(option.getKey(), option.getValue());
      }
    }
    return new SetSessionOptionsResult(errors);
  }

  @Override
  public void listActions(CallContext context, StreamListener<ActionType> listener) {
    listener.onNext(new ActionType("CancelFlightInfo", ""));
    listener.onNext(new ActionType("RenewFlightEndpoint", ""));
    listener.onCompleted();
  }
}
