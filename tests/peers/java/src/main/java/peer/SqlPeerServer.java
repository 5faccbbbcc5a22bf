// SPDX-License-Identifier: Apache-2.0
package peer;

import static org.apache.arrow.flight.sql.impl.FlightSql.*;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import java.util.List;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.CancelFlightInfoRequest;
import org.apache.arrow.flight.CancelStatus;
import org.apache.arrow.flight.FlightDescriptor;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.PutResult;
import org.apache.arrow.flight.Result;
import org.apache.arrow.flight.SchemaResult;
import org.apache.arrow.flight.Ticket;
import org.apache.arrow.flight.sql.NoOpFlightSqlProducer;
import org.apache.arrow.flight.sql.SqlInfoBuilder;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.types.pojo.Schema;

/** The server of the scenarios of Flight SQL: it keeps nothing, and checks all that clients ask for. */
final class SqlPeerServer extends NoOpFlightSqlProducer {
  private static final String PLAN_HANDLE = "PLAN HANDLE";
  private static final String PLAN_IN_TRANSACTION_HANDLE = "PLAN WITH TXN HANDLE";

  private final BufferAllocator allocator;
  private final SqlInfoBuilder sqlInfo = new SqlInfoBuilder();

  SqlPeerServer(BufferAllocator allocator, String scenario) {
    this.allocator = allocator;
    if (scenario.equals("flight_sql:ingestion")) {
      sqlInfo.withFlightSqlServerBulkIngestion(true).withFlightSqlServerBulkIngestionTransaction(true);
    } else {
      sqlInfo
          .withFlightSqlServerSql(false)
          .withFlightSqlServerSubstrait(true)
          .withFlightSqlServerSubstraitMinVersion("min_version")
          .withFlightSqlServerSubstraitMaxVersion("max_version")
          .withFlightSqlServerTransaction(SqlSupportedTransaction.SQL_SUPPORTED_TRANSACTION_SAVEPOINT)
          .withFlightSqlServerCancel(true)
          .withFlightSqlServerStatementTimeout(42)
          .withFlightSqlServerTransactionTimeout(7);
    }
  }

  private static RuntimeException refuse(Object found) {
    return CallStatus.INVALID_ARGUMENT.withDescription("not of the scenario: " + found).toRuntimeException();
  }

  private static void check(boolean isRight, Object found) {
    if (!isRight) {
      throw refuse(found);
    }
  }

  private static FlightInfo infoOf(Schema schema, FlightDescriptor descriptor, byte[] ticket) {
    return Peer.infoOf(schema, descriptor, new FlightEndpoint(new Ticket(ticket))).build();
  }

  private static FlightInfo infoOf(Schema schema, FlightDescriptor descriptor) {
    return infoOf(schema, descriptor, descriptor.getCommand());
  }

  private static FlightInfo infoOfStatement(String handle, boolean inTransaction, FlightDescriptor descriptor) {
    Message ticket =
        TicketStatementQuery.newBuilder().setStatementHandle(ByteString.copyFromUtf8(handle)).build();
    return infoOf(SqlValues.result(inTransaction), descriptor, Any.pack(ticket).toByteArray());
  }

  private void sendNothing(Schema schema, ServerStreamListener listener) {
    try (VectorSchemaRoot root = VectorSchemaRoot.create(schema, allocator)) {
      listener.start(root);
      listener.completed();
    }
  }

  private void answer(Message message, StreamListener<PutResult> answers) {
    try (PutResult result = PutResult.metadata(Peer.bufferOf(allocator, message.toByteArray()))) {
      answers.onNext(result);
    }
    answers.onCompleted();
  }

  private Runnable answerCount(long count, StreamListener<PutResult> answers) {
    return () -> answer(DoPutUpdateResult.newBuilder().setRecordCount(count).build(), answers);
  }

  private static <T> void answer(T message, StreamListener<T> results) {
    results.onNext(message);
    results.onCompleted();
  }

  // ---- metadata ----

  @Override
  public FlightInfo getFlightInfoCatalogs(
      CommandGetCatalogs command, CallContext context, FlightDescriptor descriptor) {
    return infoOf(Schemas.GET_CATALOGS_SCHEMA, descriptor);
  }

  @Override
  public void getStreamCatalogs(CallContext context, ServerStreamListener listener) {
    sendNothing(Schemas.GET_CATALOGS_SCHEMA, listener);
  }

  @Override
  public FlightInfo getFlightInfoSchemas(
      CommandGetDbSchemas command, CallContext context, FlightDescriptor descriptor) {
    CommandGetDbSchemas expected =
        CommandGetDbSchemas.newBuilder()
            .setCatalog("catalog")
            .setDbSchemaFilterPattern("db_schema_filter_pattern")
            .build();
    check(command.equals(expected), command);
    return infoOf(Schemas.GET_SCHEMAS_SCHEMA, descriptor);
  }

  @Override
  public void getStreamSchemas(CommandGetDbSchemas command, CallContext context, ServerStreamListener listener) {
    sendNothing(Schemas.GET_SCHEMAS_SCHEMA, listener);
  }

  @Override
  public FlightInfo getFlightInfoTables(
      CommandGetTables command, CallContext context, FlightDescriptor descriptor) {
    CommandGetTables expected =
        CommandGetTables.newBuilder()
            .setCatalog("catalog")
            .setDbSchemaFilterPattern("db_schema_filter_pattern")
            .setTableNameFilterPattern("table_filter_pattern")
            .addAllTableTypes(SqlValues.TABLE_TYPES)
            .setIncludeSchema(true)
            .build();
    check(command.equals(expected), command);
    return infoOf(Schemas.GET_TABLES_SCHEMA, descriptor);
  }

  @Override
  public void getStreamTables(CommandGetTables command, CallContext context, ServerStreamListener listener) {
    sendNothing(Schemas.GET_TABLES_SCHEMA, listener);
  }

  @Override
  public FlightInfo getFlightInfoTableTypes(
      CommandGetTableTypes command, CallContext context, FlightDescriptor descriptor) {
    return infoOf(Schemas.GET_TABLE_TYPES_SCHEMA, descriptor);
  }

  @Override
  public void getStreamTableTypes(CallContext context, ServerStreamListener listener) {
    sendNothing(Schemas.GET_TABLE_TYPES_SCHEMA, listener);
  }

  private static void checkTable(boolean hasAll, String catalog, String dbSchema, String table) {
    List<String> found = List.of(catalog, dbSchema, table);
    check(hasAll && found.equals(List.of("catalog", "db_schema", "table")), found);
  }

  @Override
  public FlightInfo getFlightInfoPrimaryKeys(
      CommandGetPrimaryKeys command, CallContext context, FlightDescriptor descriptor) {
    checkTable(
        command.hasCatalog() && command.hasDbSchema(),
        command.getCatalog(),
        command.getDbSchema(),
        command.getTable());
    return infoOf(Schemas.GET_PRIMARY_KEYS_SCHEMA, descriptor);
  }

  @Override
  public void getStreamPrimaryKeys(
      CommandGetPrimaryKeys command, CallContext context, ServerStreamListener listener) {
    sendNothing(Schemas.GET_PRIMARY_KEYS_SCHEMA, listener);
  }

  @Override
  public FlightInfo getFlightInfoExportedKeys(
      CommandGetExportedKeys command, CallContext context, FlightDescriptor descriptor) {
    checkTable(
        command.hasCatalog() && command.hasDbSchema(),
        command.getCatalog(),
        command.getDbSchema(),
        command.getTable());
    return infoOf(Schemas.GET_EXPORTED_KEYS_SCHEMA, descriptor);
  }

  @Override
  public void getStreamExportedKeys(
      CommandGetExportedKeys command, CallContext context, ServerStreamListener listener) {
    sendNothing(Schemas.GET_EXPORTED_KEYS_SCHEMA, listener);
  }

  @Override
  public FlightInfo getFlightInfoImportedKeys(
      CommandGetImportedKeys command, CallContext context, FlightDescriptor descriptor) {
    checkTable(
        command.hasCatalog() && command.hasDbSchema(),
        command.getCatalog(),
        command.getDbSchema(),
        command.getTable());
    return infoOf(Schemas.GET_IMPORTED_KEYS_SCHEMA, descriptor);
  }

  @Override
  public void getStreamImportedKeys(
      CommandGetImportedKeys command, CallContext context, ServerStreamListener listener) {
    sendNothing(Schemas.GET_IMPORTED_KEYS_SCHEMA, listener);
  }

  @Override
  public FlightInfo getFlightInfoCrossReference(
      CommandGetCrossReference command, CallContext context, FlightDescriptor descriptor) {
    CommandGetCrossReference expected =
        CommandGetCrossReference.newBuilder()
            .setPkCatalog("pk_catalog")
            .setPkDbSchema("pk_db_schema")
            .setPkTable("pk_table")
            .setFkCatalog("fk_catalog")
            .setFkDbSchema("fk_db_schema")
            .setFkTable("fk_table")
            .build();
    check(command.equals(expected), command);
    return infoOf(Schemas.GET_CROSS_REFERENCE_SCHEMA, descriptor);
  }

  @Override
  public void getStreamCrossReference(
      CommandGetCrossReference command, CallContext context, ServerStreamListener listener) {
    sendNothing(Schemas.GET_CROSS_REFERENCE_SCHEMA, listener);
  }

  @Override
  public FlightInfo getFlightInfoTypeInfo(
      CommandGetXdbcTypeInfo command, CallContext context, FlightDescriptor descriptor) {
    check(!command.hasDataType(), command);
    return infoOf(Schemas.GET_TYPE_INFO_SCHEMA, descriptor);
  }

  @Override
  public void getStreamTypeInfo(
      CommandGetXdbcTypeInfo command, CallContext context, ServerStreamListener listener) {
    sendNothing(Schemas.GET_TYPE_INFO_SCHEMA, listener);
  }

  /** Two codes are those of flight_sql, which has no values, or of flight_sql:ingestion. */
  private static boolean isOfFlightSql(CommandGetSqlInfo command) {
    return command
        .getInfoList()
        .equals(List.of(SqlInfo.FLIGHT_SQL_SERVER_NAME_VALUE, SqlInfo.FLIGHT_SQL_SERVER_READ_ONLY_VALUE));
  }

  @Override
  public FlightInfo getFlightInfoSqlInfo(
      CommandGetSqlInfo command, CallContext context, FlightDescriptor descriptor) {
    List<Integer> ofIngestion =
        List.of(
            SqlInfo.FLIGHT_SQL_SERVER_BULK_INGESTION_VALUE,
            SqlInfo.FLIGHT_SQL_SERVER_INGEST_TRANSACTIONS_SUPPORTED_VALUE);
    check(
        command.getInfoCount() == 8
            || isOfFlightSql(command)
            || (command.getInfoCount() == 2 && command.getInfoList().containsAll(ofIngestion)),
        command);
    return infoOf(Schemas.GET_SQL_INFO_SCHEMA, descriptor);
  }

  @Override
  public void getStreamSqlInfo(CommandGetSqlInfo command, CallContext context, ServerStreamListener listener) {
    if (isOfFlightSql(command)) {
      sendNothing(Schemas.GET_SQL_INFO_SCHEMA, listener);
    } else {
      sqlInfo.send(command.getInfoList(), listener);
    }
  }

  // ---- statements ----

  private static boolean inTransaction(ByteString id) {
    check(id.isEmpty() || id.toStringUtf8().equals(SqlValues.TRANSACTION), id);
    return !id.isEmpty();
  }

  private static void checkPlan(SubstraitPlan plan) {
    check(
        plan.getPlan().toStringUtf8().equals(SqlValues.PLAN) && plan.getVersion().equals(SqlValues.PLAN_VERSION),
        plan);
  }

  private static boolean isQueryInTransaction(CommandStatementQuery command) {
    check(command.getQuery().equals(SqlValues.SELECT), command);
    return inTransaction(command.getTransactionId());
  }

  private static boolean isPlanInTransaction(CommandStatementSubstraitPlan command) {
    checkPlan(command.getPlan());
    return inTransaction(command.getTransactionId());
  }

  /** Whether the statement was made in a transaction; it must be one of these. */
  private static boolean isHandleInTransaction(ByteString handle, String text) {
    String found = handle.toStringUtf8();
    if (found.equals(text + " HANDLE") || found.equals(PLAN_HANDLE)) {
      return false;
    }
    check(found.equals(text + " WITH TXN HANDLE") || found.equals(PLAN_IN_TRANSACTION_HANDLE), found);
    return true;
  }

  @Override
  public FlightInfo getFlightInfoStatement(
      CommandStatementQuery command, CallContext context, FlightDescriptor descriptor) {
    boolean in = isQueryInTransaction(command);
    return infoOfStatement(SqlValues.SELECT + (in ? " WITH TXN HANDLE" : " HANDLE"), in, descriptor);
  }

  @Override
  public FlightInfo getFlightInfoSubstraitPlan(
      CommandStatementSubstraitPlan command, CallContext context, FlightDescriptor descriptor) {
    boolean in = isPlanInTransaction(command);
    return infoOfStatement(in ? PLAN_IN_TRANSACTION_HANDLE : PLAN_HANDLE, in, descriptor);
  }

  @Override
  public FlightInfo getFlightInfoPreparedStatement(
      CommandPreparedStatementQuery command, CallContext context, FlightDescriptor descriptor) {
    boolean in = isHandleInTransaction(command.getPreparedStatementHandle(), SqlValues.SELECT_PREPARED);
    return infoOf(SqlValues.result(in), descriptor);
  }

  @Override
  public SchemaResult getSchemaStatement(
      CommandStatementQuery command, CallContext context, FlightDescriptor descriptor) {
    return new SchemaResult(SqlValues.result(isQueryInTransaction(command)));
  }

  @Override
  public SchemaResult getSchemaSubstraitPlan(
      CommandStatementSubstraitPlan command, CallContext context, FlightDescriptor descriptor) {
    return new SchemaResult(SqlValues.result(isPlanInTransaction(command)));
  }

  @Override
  public SchemaResult getSchemaPreparedStatement(
      CommandPreparedStatementQuery command, CallContext context, FlightDescriptor descriptor) {
    boolean in = isHandleInTransaction(command.getPreparedStatementHandle(), SqlValues.SELECT_PREPARED);
    return new SchemaResult(SqlValues.result(in));
  }

  @Override
  public void getStreamStatement(TicketStatementQuery ticket, CallContext context, ServerStreamListener listener) {
    sendNothing(SqlValues.result(isHandleInTransaction(ticket.getStatementHandle(), SqlValues.SELECT)), listener);
  }

  @Override
  public void getStreamPreparedStatement(
      CommandPreparedStatementQuery command, CallContext context, ServerStreamListener listener) {
    boolean in = isHandleInTransaction(command.getPreparedStatementHandle(), SqlValues.SELECT_PREPARED);
    sendNothing(SqlValues.result(in), listener);
  }

  // ---- uploads ----

  @Override
  public Runnable acceptPutStatement(
      CommandStatementUpdate command, CallContext context, FlightStream stream, StreamListener<PutResult> answers) {
    check(command.getQuery().equals(SqlValues.UPDATE), command);
    return answerCount(SqlValues.updateCount(false, inTransaction(command.getTransactionId())), answers);
  }

  @Override
  public Runnable acceptPutSubstraitPlan(
      CommandStatementSubstraitPlan command,
      CallContext context,
      FlightStream stream,
      StreamListener<PutResult> answers) {
    return answerCount(SqlValues.updateCount(false, isPlanInTransaction(command)), answers);
  }

  @Override
  public Runnable acceptPutPreparedStatementUpdate(
      CommandPreparedStatementUpdate command,
      CallContext context,
      FlightStream stream,
      StreamListener<PutResult> answers) {
    boolean in = isHandleInTransaction(command.getPreparedStatementHandle(), SqlValues.UPDATE_PREPARED);
    return answerCount(SqlValues.updateCount(true, in), answers);
  }

  /** No answer: the handle stays. */
  @Override
  public Runnable acceptPutPreparedStatementQuery(
      CommandPreparedStatementQuery command,
      CallContext context,
      FlightStream stream,
      StreamListener<PutResult> answers) {
    isHandleInTransaction(command.getPreparedStatementHandle(), SqlValues.SELECT_PREPARED);
    return () -> {
      int rowCount = 0;
      check(stream.getSchema().equals(SqlValues.QUERY), stream.getSchema());
      while (stream.next()) {
        rowCount += stream.getRoot().getRowCount();
      }
      check(rowCount == 1, rowCount + " rows of parameters");
      answers.onCompleted();
    };
  }

  @Override
  public Runnable acceptPutStatementBulkIngest(
      CommandStatementIngest command, CallContext context, FlightStream stream, StreamListener<PutResult> answers) {
    CommandStatementIngest.TableDefinitionOptions mode = command.getTableDefinitionOptions();
    List<String> names = List.of(command.getCatalog(), command.getSchema(), command.getTable());
    check(names.equals(List.of("test_catalog", "test_schema", "test_table")), names);
    check(command.getTemporary(), "not temporary");
    check(command.getTransactionId().toStringUtf8().equals(SqlValues.INGEST_TRANSACTION), command);
    check(command.getOptionsMap().equals(SqlValues.INGEST_OPTIONS), command.getOptionsMap());
    check(mode.getIfNotExistValue() == 1 && mode.getIfExistsValue() == 3, mode);
    return () -> {
      long rowCount = 0;
      check(stream.getSchema().equals(SqlValues.INGEST), stream.getSchema());
      while (stream.next()) {
        rowCount += stream.getRoot().getRowCount();
      }
      answer(DoPutUpdateResult.newBuilder().setRecordCount(rowCount).build(), answers);
    };
  }

  // ---- actions ----

  @Override
  public void createPreparedStatement(
      ActionCreatePreparedStatementRequest request, CallContext context, StreamListener<Result> results) {
    check(List.of(SqlValues.SELECT_PREPARED, SqlValues.UPDATE_PREPARED).contains(request.getQuery()), request);
    String handle =
        request.getQuery() + (inTransaction(request.getTransactionId()) ? " WITH TXN HANDLE" : " HANDLE");
    answer(new Result(Any.pack(preparedOf(handle)).toByteArray()), results);
  }

  @Override
  public void createPreparedSubstraitPlan(
      ActionCreatePreparedSubstraitPlanRequest request,
      CallContext context,
      StreamListener<ActionCreatePreparedStatementResult> results) {
    checkPlan(request.getPlan());
    boolean in = inTransaction(request.getTransactionId());
    answer(preparedOf(in ? PLAN_IN_TRANSACTION_HANDLE : PLAN_HANDLE), results);
  }

  private static ActionCreatePreparedStatementResult preparedOf(String handle) {
    return ActionCreatePreparedStatementResult.newBuilder()
        .setPreparedStatementHandle(ByteString.copyFromUtf8(handle))
        .build();
  }

  @Override
  public void closePreparedStatement(
      ActionClosePreparedStatementRequest request, CallContext context, StreamListener<Result> results) {
    ByteString handle = request.getPreparedStatementHandle();
    boolean isUpdate = handle.toStringUtf8().startsWith(SqlValues.UPDATE_PREPARED);
    isHandleInTransaction(handle, isUpdate ? SqlValues.UPDATE_PREPARED : SqlValues.SELECT_PREPARED);
    results.onCompleted();
  }

  @Override
  public void beginTransaction(
      ActionBeginTransactionRequest request,
      CallContext context,
      StreamListener<ActionBeginTransactionResult> results) {
    answer(
        ActionBeginTransactionResult.newBuilder()
            .setTransactionId(ByteString.copyFromUtf8(SqlValues.TRANSACTION))
            .build(),
        results);
  }

  @Override
  public void beginSavepoint(
      ActionBeginSavepointRequest request, CallContext context, StreamListener<ActionBeginSavepointResult> results) {
    check(inTransaction(request.getTransactionId()), request);
    check(request.getName().equals(SqlValues.SAVEPOINT_NAME), request);
    answer(
        ActionBeginSavepointResult.newBuilder()
            .setSavepointId(ByteString.copyFromUtf8(SqlValues.SAVEPOINT))
            .build(),
        results);
  }

  @Override
  public void endSavepoint(
      ActionEndSavepointRequest request, CallContext context, StreamListener<Result> results) {
    check(request.getSavepointId().toStringUtf8().equals(SqlValues.SAVEPOINT), request);
    check(request.getActionValue() == 1 || request.getActionValue() == 2, request);
    results.onCompleted();
  }

  @Override
  public void endTransaction(
      ActionEndTransactionRequest request, CallContext context, StreamListener<Result> results) {
    check(inTransaction(request.getTransactionId()), request);
    check(request.getActionValue() == 1 || request.getActionValue() == 2, request);
    results.onCompleted();
  }

  @Override
  public void cancelFlightInfo(
      CancelFlightInfoRequest request, CallContext context, StreamListener<CancelStatus> results) {
    List<FlightEndpoint> endpoints = request.getInfo().getEndpoints();
    check(endpoints.size() == 1, endpoints.size() + " endpoints");
    try {
      TicketStatementQuery ticket =
          Any.parseFrom(endpoints.get(0).getTicket().getBytes()).unpack(TicketStatementQuery.class);
      check(ticket.getStatementHandle().toStringUtf8().equals(PLAN_HANDLE), ticket);
    } catch (com.google.protobuf.InvalidProtocolBufferException failure) {
      throw refuse(failure.getMessage());
    }
    answer(CancelStatus.CANCELLED, results);
  }
}
