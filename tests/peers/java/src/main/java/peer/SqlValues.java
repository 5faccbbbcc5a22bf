// SPDX-License-Identifier: Apache-2.0
package peer;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.arrow.flight.sql.FlightSqlColumnMetadata;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/** What client and server of the scenarios of Flight SQL agree on. */
final class SqlValues {
  static final String SELECT = "SELECT STATEMENT";
  static final String UPDATE = "UPDATE STATEMENT";
  static final String SELECT_PREPARED = "SELECT PREPARED STATEMENT";
  static final String UPDATE_PREPARED = "UPDATE PREPARED STATEMENT";
  static final String PLAN = "plan";
  static final String PLAN_VERSION = "version";
  static final String TRANSACTION = "transaction_id";
  static final String SAVEPOINT = "savepoint_id";
  static final String SAVEPOINT_NAME = "savepoint_name";
  static final String INGEST_TRANSACTION = "123";
  static final int INGEST_ROWS = 3;
  static final List<String> TABLE_TYPES = List.of("table", "view");
  static final Map<String, String> INGEST_OPTIONS = Map.of("key1", "val1", "key2", "val2");

  /** Parameters, and the result outside of transactions. */
  static final Schema QUERY = schemaOf("id", 64);

  static final Schema QUERY_IN_TRANSACTION = schemaOf("pkey", 32);
  static final Schema INGEST =
      new Schema(List.of(new Field("test_field", FieldType.nullable(new ArrowType.Int(64, true)), null)));

  private SqlValues() {}

  private static Schema schemaOf(String name, int bits) {
    FlightSqlColumnMetadata metadata =
        new FlightSqlColumnMetadata.Builder()
            .catalogName("catalog_test")
            .schemaName("schema_test")
            .tableName("test")
            .typeName("type_test")
            .precision(100)
            .isAutoIncrement(true)
            .isCaseSensitive(false)
            .isSearchable(true)
            .remarks("test column")
            .build();
    ArrowType type = new ArrowType.Int(bits, true);
    return new Schema(List.of(new Field(name, new FieldType(true, type, null, metadata.getMetadataMap()), null)));
  }

  static Schema result(boolean inTransaction) {
    return inTransaction ? QUERY_IN_TRANSACTION : QUERY;
  }

  static long updateCount(boolean isPrepared, boolean inTransaction) {
    return (isPrepared ? 20000 : 10000) + (inTransaction ? 5000 : 0);
  }

  static byte[] bytesOf(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
