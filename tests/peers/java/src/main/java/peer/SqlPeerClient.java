// SPDX-License-Identifier: Apache-2.0
package peer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.flight.CancelFlightInfoRequest;
import org.apache.arrow.flight.CancelStatus;
import org.apache.arrow.flight.FlightClient;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.SchemaResult;
import org.apache.arrow.flight.sql.CancelResult;
import org.apache.arrow.flight.sql.FlightSqlClient;
import org.apache.arrow.flight.sql.FlightSqlClient.ExecuteIngestOptions;
import org.apache.arrow.flight.sql.FlightSqlClient.PreparedStatement;
import org.apache.arrow.flight.sql.FlightSqlClient.Savepoint;
import org.apache.arrow.flight.sql.FlightSqlClient.SubstraitPlan;
import org.apache.arrow.flight.sql.FlightSqlClient.Transaction;
import org.apache.arrow.flight.sql.FlightSqlProducer.Schemas;
import org.apache.arrow.flight.sql.impl.FlightSql.CommandStatementIngest.TableDefinitionOptions;
import org.apache.arrow.flight.sql.impl.FlightSql.CommandStatementIngest.TableDefinitionOptions.TableExistsOption;
import org.apache.arrow.flight.sql.impl.FlightSql.CommandStatementIngest.TableDefinitionOptions.TableNotExistOption;
import org.apache.arrow.flight.sql.impl.FlightSql.SqlInfo;
import org.apache.arrow.flight.sql.util.TableRef;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.UInt4Vector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.DenseUnionVector;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.arrow.vector.util.Text;

/** The client of the scenarios of Flight SQL. */
final class SqlPeerClient {
  private static final TableRef TABLE = TableRef.of("catalog", "db_schema", "table");
  private static final TableRef PK_TABLE = TableRef.of("pk_catalog", "pk_db_schema", "pk_table");
  private static final TableRef FK_TABLE = TableRef.of("fk_catalog", "fk_db_schema", "fk_table");
  private static final SubstraitPlan PLAN =
      new SubstraitPlan(SqlValues.bytesOf(SqlValues.PLAN), SqlValues.PLAN_VERSION);

  private final BufferAllocator allocator;
  private final FlightSqlClient client;

  private SqlPeerClient(BufferAllocator allocator, FlightSqlClient client) {
    this.allocator = allocator;
    this.client = client;
  }

  static void run(BufferAllocator allocator, FlightClient client, String scenario) throws Exception {
    SqlPeerClient peer = new SqlPeerClient(allocator, new FlightSqlClient(client));
    switch (scenario) {
      case "flight_sql":
        peer.metadata();
        peer.text(null);
        break;
      case "flight_sql:extension":
        peer.sqlInfo();
        peer.plan(null);
        peer.cancel();
        peer.transactions();
        break;
      case "flight_sql:ingestion":
        peer.ingest();
        break;
      default:
        throw new AssertionError("there is no scenario " + scenario);
    }
  }

  /** The rows of the only endpoint are described so; they are read to their end. */
  private void expectRows(FlightInfo info, Schema expected) throws Exception {
    Peer.expect(info.getEndpoints().size(), 1, "number of endpoints");
    try (FlightStream stream = client.getStream(info.getEndpoints().get(0).getTicket())) {
      Peer.expect(stream.getSchema(), expected, "schema of the rows");
      while (stream.next()) {}
    }
  }

  private void expectSchema(SchemaResult found, Schema expected) {
    Peer.expect(found.getSchema(), expected, "schema by GetSchema");
  }

  private void metadata() throws Exception {
    expectRows(client.getCatalogs(), Schemas.GET_CATALOGS_SCHEMA);
    expectSchema(client.getCatalogsSchema(), Schemas.GET_CATALOGS_SCHEMA);
    expectRows(client.getSchemas("catalog", "db_schema_filter_pattern"), Schemas.GET_SCHEMAS_SCHEMA);
    expectSchema(client.getSchemasSchema(), Schemas.GET_SCHEMAS_SCHEMA);
    expectRows(
        client.getTables(
            "catalog", "db_schema_filter_pattern", "table_filter_pattern", SqlValues.TABLE_TYPES, true),
        Schemas.GET_TABLES_SCHEMA);
    expectSchema(client.getTablesSchema(true), Schemas.GET_TABLES_SCHEMA);
    expectSchema(client.getTablesSchema(false), Schemas.GET_TABLES_SCHEMA_NO_SCHEMA);
    expectRows(client.getTableTypes(), Schemas.GET_TABLE_TYPES_SCHEMA);
    expectSchema(client.getTableTypesSchema(), Schemas.GET_TABLE_TYPES_SCHEMA);
    expectRows(client.getPrimaryKeys(TABLE), Schemas.GET_PRIMARY_KEYS_SCHEMA);
    expectSchema(client.getPrimaryKeysSchema(), Schemas.GET_PRIMARY_KEYS_SCHEMA);
    expectRows(client.getExportedKeys(TABLE), Schemas.GET_EXPORTED_KEYS_SCHEMA);
    expectSchema(client.getExportedKeysSchema(), Schemas.GET_EXPORTED_KEYS_SCHEMA);
    expectRows(client.getImportedKeys(TABLE), Schemas.GET_IMPORTED_KEYS_SCHEMA);
    expectSchema(client.getImportedKeysSchema(), Schemas.GET_IMPORTED_KEYS_SCHEMA);
    expectRows(client.getCrossReference(PK_TABLE, FK_TABLE), Schemas.GET_CROSS_REFERENCE_SCHEMA);
    expectSchema(client.getCrossReferenceSchema(), Schemas.GET_CROSS_REFERENCE_SCHEMA);
    expectRows(client.getXdbcTypeInfo(), Schemas.GET_TYPE_INFO_SCHEMA);
    expectSchema(client.getXdbcTypeInfoSchema(), Schemas.GET_TYPE_INFO_SCHEMA);
    expectRows(
        client.getSqlInfo(SqlInfo.FLIGHT_SQL_SERVER_NAME, SqlInfo.FLIGHT_SQL_SERVER_READ_ONLY),
        Schemas.GET_SQL_INFO_SCHEMA);
    expectSchema(client.getSqlInfoSchema(), Schemas.GET_SQL_INFO_SCHEMA);
  }

  private void text(Transaction transaction) throws Exception {
    boolean in = transaction != null;
    expectRows(client.execute(SqlValues.SELECT, transaction), SqlValues.result(in));
    expectSchema(client.getExecuteSchema(SqlValues.SELECT, transaction), SqlValues.result(in));
    Peer.expect(
        client.executeUpdate(SqlValues.UPDATE, transaction), SqlValues.updateCount(false, in), "rows of an update");
    preparedQuery(client.prepare(SqlValues.SELECT_PREPARED, transaction), in);
    preparedUpdate(client.prepare(SqlValues.UPDATE_PREPARED, transaction), in);
  }

  private void plan(Transaction transaction) throws Exception {
    boolean in = transaction != null;
    expectRows(client.executeSubstrait(PLAN, transaction), SqlValues.result(in));
    expectSchema(client.getExecuteSubstraitSchema(PLAN, transaction), SqlValues.result(in));
    Peer.expect(
        client.executeSubstraitUpdate(PLAN, transaction), SqlValues.updateCount(false, in), "rows of an update");
    preparedQuery(client.prepare(PLAN, transaction), in);
    preparedUpdate(client.prepare(PLAN, transaction), in);
  }

  private void preparedQuery(PreparedStatement opened, boolean inTransaction) throws Exception {
    try (PreparedStatement statement = opened;
        VectorSchemaRoot parameters = VectorSchemaRoot.create(SqlValues.QUERY, allocator)) {
      ((BigIntVector) parameters.getVector(0)).setSafe(0, 1);
      parameters.setRowCount(1);
      statement.setParameters(parameters);
      expectRows(statement.execute(), SqlValues.result(inTransaction));
      expectSchema(statement.fetchSchema(), SqlValues.result(inTransaction));
    }
  }

  private void preparedUpdate(PreparedStatement opened, boolean inTransaction) {
    try (PreparedStatement statement = opened) {
      Peer.expect(
          statement.executeUpdate(), SqlValues.updateCount(true, inTransaction), "rows of a prepared update");
    }
  }

  /** Names and values, each once; the class of a value tells the branch of the union. */
  private Map<Integer, Object> sqlInfoOf(SqlInfo... codes) throws Exception {
    Map<Integer, Object> found = new HashMap<>();
    FlightInfo info = client.getSqlInfo(codes);
    Peer.expect(info.getEndpoints().size(), 1, "number of endpoints");
    try (FlightStream stream = client.getStream(info.getEndpoints().get(0).getTicket())) {
      Peer.expect(stream.getSchema(), Schemas.GET_SQL_INFO_SCHEMA, "schema of SqlInfo");
      while (stream.next()) {
        UInt4Vector names = (UInt4Vector) stream.getRoot().getVector(0);
        DenseUnionVector values = (DenseUnionVector) stream.getRoot().getVector(1);
        for (int i = 0; i < names.getValueCount(); i++) {
          Object value = values.getObject(i);
          Object old = found.put(names.get(i), value instanceof Text ? value.toString() : value);
          Peer.expect(old, null, "value of SqlInfo " + names.get(i) + " that came before");
        }
      }
    }
    return found;
  }

  private void sqlInfo() throws Exception {
    Map<Integer, Object> expected = new HashMap<>();
    expected.put(SqlInfo.FLIGHT_SQL_SERVER_SQL_VALUE, false);
    expected.put(SqlInfo.FLIGHT_SQL_SERVER_SUBSTRAIT_VALUE, true);
    expected.put(SqlInfo.FLIGHT_SQL_SERVER_SUBSTRAIT_MIN_VERSION_VALUE, "min_version");
    expected.put(SqlInfo.FLIGHT_SQL_SERVER_SUBSTRAIT_MAX_VERSION_VALUE, "max_version");
    expected.put(SqlInfo.FLIGHT_SQL_SERVER_TRANSACTION_VALUE, 2);
    expected.put(SqlInfo.FLIGHT_SQL_SERVER_CANCEL_VALUE, true);
    expected.put(SqlInfo.FLIGHT_SQL_SERVER_STATEMENT_TIMEOUT_VALUE, 42);
    expected.put(SqlInfo.FLIGHT_SQL_SERVER_TRANSACTION_TIMEOUT_VALUE, 7);
    Peer.expect(
        sqlInfoOf(
            SqlInfo.FLIGHT_SQL_SERVER_SQL,
            SqlInfo.FLIGHT_SQL_SERVER_SUBSTRAIT,
            SqlInfo.FLIGHT_SQL_SERVER_SUBSTRAIT_MIN_VERSION,
            SqlInfo.FLIGHT_SQL_SERVER_SUBSTRAIT_MAX_VERSION,
            SqlInfo.FLIGHT_SQL_SERVER_TRANSACTION,
            SqlInfo.FLIGHT_SQL_SERVER_CANCEL,
            SqlInfo.FLIGHT_SQL_SERVER_STATEMENT_TIMEOUT,
            SqlInfo.FLIGHT_SQL_SERVER_TRANSACTION_TIMEOUT),
        expected,
        "SqlInfo");
  }

  private void cancel() {
    FlightInfo info = client.executeSubstrait(PLAN);
    Peer.expect(client.cancelQuery(info), CancelResult.CANCELLED, "result of CancelQuery");
    CancelStatus status = client.cancelFlightInfo(new CancelFlightInfoRequest(info)).getStatus();
    Peer.expect(status, CancelStatus.CANCELLED, "result of CancelFlightInfo");
  }

  private Transaction begin() {
    Transaction transaction = client.beginTransaction();
    expectId(transaction.getTransactionId(), SqlValues.TRANSACTION);
    return transaction;
  }

  private Savepoint savepoint(Transaction transaction) {
    Savepoint savepoint = client.beginSavepoint(transaction, SqlValues.SAVEPOINT_NAME);
    expectId(savepoint.getSavepointId(), SqlValues.SAVEPOINT);
    return savepoint;
  }

  private static void expectId(byte[] found, String expected) {
    Peer.expect(Arrays.equals(found, SqlValues.bytesOf(expected)), true, "the id is " + expected);
  }

  private void transactions() throws Exception {
    Transaction first = begin();
    Savepoint savepoint = savepoint(first);
    text(first);
    plan(first);
    client.rollback(savepoint);
    client.release(savepoint(first));
    client.commit(first);
    client.rollback(begin());
  }

  private void ingest() throws Exception {
    TableDefinitionOptions mode =
        TableDefinitionOptions.newBuilder()
            .setIfExists(TableExistsOption.TABLE_EXISTS_OPTION_REPLACE)
            .setIfNotExist(TableNotExistOption.TABLE_NOT_EXIST_OPTION_CREATE)
            .build();
    ExecuteIngestOptions options =
        new ExecuteIngestOptions(
            "test_table", mode, true, "test_catalog", "test_schema", SqlValues.INGEST_OPTIONS);
    Transaction transaction = new Transaction(SqlValues.bytesOf(SqlValues.INGEST_TRANSACTION));
    try (VectorSchemaRoot rows = VectorSchemaRoot.create(SqlValues.INGEST, allocator)) {
      rows.allocateNew();
      rows.setRowCount(SqlValues.INGEST_ROWS);
      Peer.expect(
          client.executeIngest(rows, options, transaction), (long) SqlValues.INGEST_ROWS, "rows of an ingest");
    }
    Map<Integer, Object> found =
        sqlInfoOf(
            SqlInfo.FLIGHT_SQL_SERVER_INGEST_TRANSACTIONS_SUPPORTED, SqlInfo.FLIGHT_SQL_SERVER_BULK_INGESTION);
    Map<Integer, Object> expected = new HashMap<>();
    expected.put(SqlInfo.FLIGHT_SQL_SERVER_INGEST_TRANSACTIONS_SUPPORTED_VALUE, true);
    expected.put(SqlInfo.FLIGHT_SQL_SERVER_BULK_INGESTION_VALUE, true);
    Peer.expect(found, expected, "SqlInfo");
  }
}
