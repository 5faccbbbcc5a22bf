// SPDX-License-Identifier: Apache-2.0
package peer;

import static peer.Jdbc.add;
import static peer.Jdbc.check;
import static peer.Jdbc.connect;
import static peer.Jdbc.rows;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLFeatureNotSupportedException;
import java.util.ArrayList;
import java.util.List;

/** What tools ask when they connect and browse. */
final class Catalog {
  static void addAll() {
    add("connect", Catalog::connectAndClose);
    add("getters", Catalog::getters);
    add("about", Catalog::about);
    add("listings", Catalog::listings);
    add("columns", Catalog::columns);
    add("keys", Catalog::keys);
    add("emptyListings", Catalog::emptyListings);
  }

  private static void connectAndClose(String url) throws Exception {
    try (Connection connection = connect(url)) {
      check(connection.isValid(5), true);
      check(connection.isClosed(), false);
    }
  }

  /** Every getter without arguments answers, or the driver itself has none. */
  private static void getters(String url) throws Exception {
    List<String> failed = new ArrayList<>();
    int answered = 0;
    try (Connection connection = connect(url)) {
      DatabaseMetaData metadata = connection.getMetaData();
      for (Method method : DatabaseMetaData.class.getMethods()) {
        if (method.getParameterCount() > 0) {
          continue;
        }
        try {
          Object result = method.invoke(metadata);
          if (result instanceof ResultSet) {
            rows((ResultSet) result);
          }
          answered++;
        } catch (InvocationTargetException problem) {
          if (!(problem.getCause() instanceof SQLFeatureNotSupportedException)) {
            failed.add(method.getName() + ": " + problem.getCause());
          }
        }
      }
    }
    check(failed, "[]");
    check(answered > 120, true);
  }

  private static void about(String url) throws Exception {
    try (Connection connection = connect(url)) {
      DatabaseMetaData metadata = connection.getMetaData();
      check(metadata.getDatabaseProductName(), "birds");
      check(metadata.getIdentifierQuoteString(), "\"");
      check(metadata.getSQLKeywords(), "PIVOT, QUALIFY");
      check(metadata.getSearchStringEscape(), "\\");
      check(metadata.getSchemaTerm() + " " + metadata.getCatalogTerm(), "schema database");
      check(metadata.isCatalogAtStart(), true);
      check(metadata.isReadOnly(), false);
      check(metadata.supportsTransactions(), true);
      check(metadata.supportsSavepoints(), false);
      check(metadata.supportsBatchUpdates(), true);
      check(metadata.getDefaultTransactionIsolation(), 4); // SqlInfo's number as it is, which JDBC numbers otherwise
      check(metadata.getMaxTableNameLength(), 255);
      check(metadata.supportsFullOuterJoins(), true);
      check(metadata.supportsResultSetType(ResultSet.TYPE_FORWARD_ONLY), true);
      check(metadata.supportsResultSetType(ResultSet.TYPE_SCROLL_SENSITIVE), false);
    }
  }

  private static String tables(DatabaseMetaData metadata, String schema, String table, String... types)
      throws Exception {
    return rows(metadata.getTables(null, schema, table, types.length == 0 ? null : types), "TABLE_SCHEM", "TABLE_NAME",
        "TABLE_TYPE");
  }

  private static void listings(String url) throws Exception {
    try (Connection connection = connect(url)) {
      DatabaseMetaData metadata = connection.getMetaData();
      check(rows(metadata.getCatalogs()), "memory");
      check(rows(metadata.getSchemas(), "TABLE_SCHEM", "TABLE_CATALOG"), "main|memory nest|memory");
      check(rows(metadata.getSchemas("memory", "ne%"), "TABLE_SCHEM"), "nest");
      check(rows(metadata.getTableTypes()), "TABLE VIEW");
      check(tables(metadata, null, "%"), "main|birds|TABLE main|eggs|TABLE main|owls|VIEW nest|twigs|TABLE");
      check(tables(metadata, "main", "%", "VIEW"), "main|owls|VIEW");
      check(tables(metadata, null, "b_r%", "TABLE", "VIEW"), "main|birds|TABLE");
      check(tables(metadata, null, "b\\_r%"), "");
    }
  }

  private static void columns(String url) throws Exception {
    try (Connection connection = connect(url)) {
      DatabaseMetaData metadata = connection.getMetaData();
      check(rows(metadata.getColumns(null, null, "%", "%"), "TABLE_NAME", "COLUMN_NAME"),
          "birds|id birds|name birds|weight birds|seen eggs|bird eggs|number owls|id owls|name owls|weight owls|seen twigs|length");
      check(rows(metadata.getColumns("memory", "main", "birds", "%"), "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME",
              "COLUMN_SIZE", "DECIMAL_DIGITS", "NULLABLE", "IS_NULLABLE", "ORDINAL_POSITION", "IS_AUTOINCREMENT"),
          "id|4|INTEGER|32|0|0|NO|1|NO name|12|VARCHAR|65536|null|0|NO|2|NO weight|3|DECIMAL(10,2)|10|2|1|YES|3|NO "
          + "seen|93|TIMESTAMP|26|6|1|YES|4|NO");
      check(rows(metadata.getColumns(null, "main", "birds", "%e%"), "COLUMN_NAME"), "name weight seen");
    }
  }

  private static void keys(String url) throws Exception {
    try (Connection connection = connect(url)) {
      DatabaseMetaData metadata = connection.getMetaData();
      String key = "eggs|bird|birds|id|1|3|3";
      String[] shown = {"FKTABLE_NAME", "FKCOLUMN_NAME", "PKTABLE_NAME", "PKCOLUMN_NAME", "KEY_SEQ", "UPDATE_RULE", "DELETE_RULE"};
      check(rows(metadata.getPrimaryKeys(null, "main", "eggs"), "TABLE_NAME", "COLUMN_NAME", "KEY_SEQ", "PK_NAME"),
          "eggs|bird|1|eggs_bird_number_pkey eggs|number|2|eggs_bird_number_pkey");
      check(rows(metadata.getImportedKeys(null, "main", "eggs"), shown), key);
      check(rows(metadata.getExportedKeys(null, "main", "birds"), shown), key);
      check(rows(metadata.getCrossReference(null, "main", "birds", null, "main", "eggs"), shown), key);
      check(rows(metadata.getImportedKeys(null, "main", "birds")), "");
    }
  }

  /** What the driver answers by itself. */
  private static void emptyListings(String url) throws Exception {
    try (Connection connection = connect(url)) {
      DatabaseMetaData metadata = connection.getMetaData();
      check(rows(metadata.getTypeInfo()), "");
      check(rows(metadata.getProcedures(null, null, "%")), "");
      check(rows(metadata.getFunctions(null, null, "%")), "");
      check(rows(metadata.getIndexInfo(null, null, "birds", false, true)), "");
    }
  }
}
