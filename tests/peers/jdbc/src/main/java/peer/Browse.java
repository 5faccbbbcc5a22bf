// SPDX-License-Identifier: Apache-2.0
package peer;

import static peer.Jdbc.add;
import static peer.Jdbc.check;
import static peer.Jdbc.connect;
import static peer.Jdbc.rows;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * What DBeaver asks of a database that it has no module of its own for, in its order: when it connects, when a tree of
 * tables is opened, when a table's rows are looked at and changed. Over a database with the tables article and sale and
 * the view cheap; no call may fail, but those that the driver itself has not.
 */
final class Browse {
  static void addAll() {
    add("dbeaverConnects", Browse::connects);
    add("dbeaverBrowses", Browse::browses);
    add("dbeaverShowsRows", Browse::showsRows);
    add("dbeaverChangesRows", Browse::changesRows);
  }

  interface Call {
    Object run() throws Exception;
  }

  /** Calls, of which those that fail are kept. */
  private static final class Calls {
    final List<String> failed = new ArrayList<>();

    void run(String name, Call call) {
      try {
        Object answer = call.run();
        if (answer instanceof ResultSet) {
          rows((ResultSet) answer);
        }
      } catch (SQLFeatureNotSupportedException | UnsupportedOperationException missing) {
        return; // it looks for that
      } catch (Exception problem) {
        failed.add(name + ": " + problem);
      }
    }

    void check() {
      Jdbc.check(failed, "[]");
    }
  }

  private static void connects(String url) throws Exception {
    Calls calls = new Calls();
    try (Connection connection = connect(url)) {
      DatabaseMetaData metadata = connection.getMetaData();
      calls.run("autocommit", connection::getAutoCommit);
      calls.run("isolation", connection::getTransactionIsolation);
      about(calls, metadata);
      dialect(calls, metadata);
      calls.run("getTypeInfo", metadata::getTypeInfo);
      calls.run("getTableTypes", metadata::getTableTypes);
      calls.run("getCatalogs", metadata::getCatalogs);
      calls.run("getSchemas", metadata::getSchemas);
      calls.run("getCatalog", connection::getCatalog);
      calls.run("getSchema", connection::getSchema);
      calls.run("getClientInfoProperties", metadata::getClientInfoProperties);
      calls.run("getClientInfo", connection::getClientInfo);
      calls.run("isValid", () -> connection.isValid(10));
      calls.run("getWarnings", connection::getWarnings);
      calls.check();
      check(metadata.getDatabaseProductName().isEmpty(), false);
      check(metadata.getIdentifierQuoteString(), "\"");
      check(connection.isValid(10), true);
    }
  }

  private static void about(Calls calls, DatabaseMetaData metadata) {
    calls.run("isReadOnly", metadata::isReadOnly);
    calls.run("getDatabaseProductName", metadata::getDatabaseProductName);
    calls.run("getDatabaseProductVersion", metadata::getDatabaseProductVersion);
    calls.run("getDatabaseMajorVersion", metadata::getDatabaseMajorVersion);
    calls.run("getDatabaseMinorVersion", metadata::getDatabaseMinorVersion);
    calls.run("getDriverName", metadata::getDriverName);
    calls.run("getDriverVersion", metadata::getDriverVersion);
    calls.run("getDriverMajorVersion", metadata::getDriverMajorVersion);
    calls.run("getSchemaTerm", metadata::getSchemaTerm);
    calls.run("getProcedureTerm", metadata::getProcedureTerm);
    calls.run("getCatalogTerm", metadata::getCatalogTerm);
    calls.run("supportsTransactions", metadata::supportsTransactions);
    calls.run("supportsSavepoints", metadata::supportsSavepoints);
    calls.run("supportsBatchUpdates", metadata::supportsBatchUpdates);
    calls.run("getDefaultTransactionIsolation", metadata::getDefaultTransactionIsolation);
    for (int level : new int[] {Connection.TRANSACTION_NONE, Connection.TRANSACTION_READ_UNCOMMITTED,
        Connection.TRANSACTION_READ_COMMITTED, Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE}) {
      calls.run("supportsTransactionIsolationLevel " + level, () -> metadata.supportsTransactionIsolationLevel(level));
    }
    calls.run("supportsResultSetType", () -> metadata.supportsResultSetType(ResultSet.TYPE_SCROLL_INSENSITIVE));
    calls.run("getUserName", metadata::getUserName);
    calls.run("getURL", metadata::getURL);
  }

  private static void dialect(Calls calls, DatabaseMetaData metadata) {
    calls.run("getIdentifierQuoteString", metadata::getIdentifierQuoteString);
    calls.run("supportsMixedCaseIdentifiers", metadata::supportsMixedCaseIdentifiers);
    calls.run("supportsMixedCaseQuotedIdentifiers", metadata::supportsMixedCaseQuotedIdentifiers);
    calls.run("storesUpperCaseIdentifiers", metadata::storesUpperCaseIdentifiers);
    calls.run("storesLowerCaseIdentifiers", metadata::storesLowerCaseIdentifiers);
    calls.run("storesMixedCaseIdentifiers", metadata::storesMixedCaseIdentifiers);
    calls.run("storesUpperCaseQuotedIdentifiers", metadata::storesUpperCaseQuotedIdentifiers);
    calls.run("getSQLKeywords", metadata::getSQLKeywords);
    calls.run("getNumericFunctions", metadata::getNumericFunctions);
    calls.run("getStringFunctions", metadata::getStringFunctions);
    calls.run("getSystemFunctions", metadata::getSystemFunctions);
    calls.run("getTimeDateFunctions", metadata::getTimeDateFunctions);
    calls.run("getSearchStringEscape", metadata::getSearchStringEscape);
    calls.run("getExtraNameCharacters", metadata::getExtraNameCharacters);
    calls.run("getCatalogSeparator", metadata::getCatalogSeparator);
    calls.run("isCatalogAtStart", metadata::isCatalogAtStart);
    calls.run("supportsCatalogsInDataManipulation", metadata::supportsCatalogsInDataManipulation);
    calls.run("supportsSchemasInDataManipulation", metadata::supportsSchemasInDataManipulation);
    calls.run("supportsSchemasInTableDefinitions", metadata::supportsSchemasInTableDefinitions);
    calls.run("supportsCatalogsInTableDefinitions", metadata::supportsCatalogsInTableDefinitions);
    calls.run("supportsSubqueriesInComparisons", metadata::supportsSubqueriesInComparisons);
    calls.run("supportsOuterJoins", metadata::supportsOuterJoins);
    calls.run("supportsGetGeneratedKeys", metadata::supportsGetGeneratedKeys);
    calls.run("supportsMultipleResultSets", metadata::supportsMultipleResultSets);
    calls.run("nullsAreSortedHigh", metadata::nullsAreSortedHigh);
  }

  /** Each table with what its page shows, once by its own names and once, as with one catalog, with none. */
  private static void browses(String url) throws Exception {
    Calls calls = new Calls();
    List<String> found = new ArrayList<>();
    try (Connection connection = connect(url)) {
      DatabaseMetaData metadata = connection.getMetaData();
      calls.run("getTables of nothing", () -> metadata.getTables(null, null, "nothing like this", null));
      calls.run("getTables of all", () -> metadata.getTables("", "", "%", null));
      List<String[]> tables = new ArrayList<>();
      try (ResultSet result = metadata.getTables(null, null, "%", null)) {
        while (result.next()) {
          tables.add(new String[] {result.getString("TABLE_CAT"), result.getString("TABLE_SCHEM"), result.getString("TABLE_NAME")});
          check(result.getString("TABLE_TYPE").isEmpty(), false);
          calls.run("REMARKS", () -> result.getString("REMARKS"));
        }
      }
      for (String[] table : tables) {
        found.add(table[2]);
        page(calls, metadata, table[0], table[1], table[2]);
        page(calls, metadata, null, null, table[2]);
      }
      calls.run("getProcedures", () -> metadata.getProcedures(null, null, "%"));
      calls.run("getFunctions", () -> metadata.getFunctions(null, null, "%"));
      calls.run("getUDTs", () -> metadata.getUDTs(null, null, "%", null));
      calls.run("getColumns of all", () -> metadata.getColumns(null, null, "%", "%"));
      calls.run("search", () -> metadata.getTables(null, null, "%art%", new String[] {"TABLE", "VIEW", "BASE TABLE"}));
      calls.check();
      check(found.containsAll(List.of("article", "cheap", "sale")), true);
      check(rows(metadata.getColumns(null, null, "article", "%"), "COLUMN_NAME", "ORDINAL_POSITION"), "id|1 name|2 price|3");
      check(rows(metadata.getPrimaryKeys(null, null, "article"), "COLUMN_NAME"), "id");
      check(rows(metadata.getImportedKeys(null, null, "sale"), "FKCOLUMN_NAME", "PKTABLE_NAME", "PKCOLUMN_NAME"), "article|article|id");
      check(rows(metadata.getExportedKeys(null, null, "article"), "FKTABLE_NAME", "FKCOLUMN_NAME"), "sale|article");
    }
  }

  private static void page(Calls calls, DatabaseMetaData metadata, String catalog, String schema, String table) {
    String of = " of " + catalog + "." + schema + "." + table;
    calls.run("getColumns" + of, () -> metadata.getColumns(catalog, schema, table, "%"));
    calls.run("getPrimaryKeys" + of, () -> metadata.getPrimaryKeys(catalog, schema, table));
    calls.run("getIndexInfo" + of, () -> metadata.getIndexInfo(catalog, schema, table, false, true));
    calls.run("getImportedKeys" + of, () -> metadata.getImportedKeys(catalog, schema, table));
    calls.run("getExportedKeys" + of, () -> metadata.getExportedKeys(catalog, schema, table));
    calls.run("getCrossReference" + of, () -> metadata.getCrossReference(catalog, schema, table, catalog, schema, table));
    calls.run("getBestRowIdentifier" + of,
        () -> metadata.getBestRowIdentifier(catalog, schema, table, DatabaseMetaData.bestRowTemporary, true));
    calls.run("getVersionColumns" + of, () -> metadata.getVersionColumns(catalog, schema, table));
    calls.run("getTablePrivileges" + of, () -> metadata.getTablePrivileges(catalog, schema, table));
    calls.run("getColumnPrivileges" + of, () -> metadata.getColumnPrivileges(catalog, schema, table, "%"));
    calls.run("getSuperTables" + of, () -> metadata.getSuperTables(catalog, schema, table));
  }

  private static void showsRows(String url) throws Exception {
    Calls calls = new Calls();
    try (Connection connection = connect(url);
        Statement statement = connection.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY)) {
      calls.run("setFetchSize", () -> {
        statement.setFetchSize(200);
        return null;
      });
      statement.setMaxRows(200);
      check(statement.execute("SELECT * FROM article ORDER BY id"), true);
      try (ResultSet result = statement.getResultSet()) {
        ResultSetMetaData metadata = result.getMetaData();
        check(metadata.getColumnCount(), 3);
        for (int i = 1; i <= 3; i++) {
          column(calls, metadata, i);
        }
        check(rows(result), "1|pen|0.5 2|book|12.25 3|ink|null");
      }
      calls.run("getMoreResults", statement::getMoreResults);
      calls.run("getUpdateCount", statement::getUpdateCount);
      calls.run("getWarnings", statement::getWarnings);
      check(rows(statement.executeQuery("SELECT count(*) FROM article")), "3");
      calls.check();
    }
  }

  private static void column(Calls calls, ResultSetMetaData metadata, int i) {
    calls.run("getColumnLabel", () -> metadata.getColumnLabel(i));
    calls.run("getColumnTypeName", () -> metadata.getColumnTypeName(i));
    calls.run("getColumnType", () -> metadata.getColumnType(i));
    calls.run("getCatalogName", () -> metadata.getCatalogName(i));
    calls.run("getSchemaName", () -> metadata.getSchemaName(i));
    calls.run("getTableName", () -> metadata.getTableName(i));
    calls.run("getPrecision", () -> metadata.getPrecision(i));
    calls.run("getScale", () -> metadata.getScale(i));
    calls.run("getColumnDisplaySize", () -> metadata.getColumnDisplaySize(i));
    calls.run("isNullable", () -> metadata.isNullable(i));
    calls.run("isAutoIncrement", () -> metadata.isAutoIncrement(i));
    calls.run("isReadOnly", () -> metadata.isReadOnly(i));
    calls.run("isWritable", () -> metadata.isWritable(i));
  }

  private static int update(Connection connection, String text, String... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(text)) {
      for (int i = 0; i < values.length; i++) {
        statement.setString(i + 1, values[i]);
      }
      return statement.executeUpdate();
    }
  }

  private static void changesRows(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      check(update(connection, "INSERT INTO article (id, name) VALUES (9, 'cap')"), 1);
      check(update(connection, "UPDATE article SET name = CAST(? AS VARCHAR) WHERE id = 9", "it's"), 1);
      check(rows(statement.executeQuery("SELECT name FROM article WHERE id = 9")), "it's");
      check(statement.executeUpdate("DELETE FROM article WHERE id = 9"), 1);
      check(rows(statement.executeQuery("SELECT count(*) FROM article")), "3");
    }
  }
}
