// SPDX-License-Identifier: Apache-2.0
package peer;

import static peer.Jdbc.add;
import static peer.Jdbc.check;
import static peer.Jdbc.checkHas;
import static peer.Jdbc.connect;
import static peer.Jdbc.failure;
import static peer.Jdbc.rows;

import java.sql.Connection;
import java.sql.Date;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.Arrays;
import java.util.Collections;

/** Queries, updates, parameters, errors. */
final class Statements {
  static void addAll() {
    add("queries", Statements::queries);
    add("manyRows", Statements::manyRows);
    add("types", Statements::types);
    add("updates", Statements::updates);
    add("parameters", Statements::parameters);
    add("parameterTypes", Statements::parameterTypes);
    add("nullParameters", Statements::nullParameters);
    add("batch", Statements::batch);
    add("session", Statements::session);
    add("autoCommit", Statements::autoCommit);
    add("errors", Statements::errors);
    add("longError", Statements::longError);
    add("cancel", Statements::cancel);
    add("login", Statements::login);
    add("catalogAndHeaders", Statements::catalogAndHeaders);
    add("untyped", Statements::untyped);
  }

  private static String query(Statement statement, String text) throws SQLException {
    return rows(statement.executeQuery(text));
  }

  private static void queries(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      check(query(statement, "SELECT id, name, weight, seen FROM birds WHERE id < 4 ORDER BY id"),
          "1|wren|0.01|2026-05-01 06:30:00.0 2|owl|1.75|null 3|rook|null|null");
      check(query(statement, "SELECT * FROM birds WHERE id < 0"), "");
      check(query(statement, "VALUES (1), (2);"), "1 2");
      check(statement.execute("SELECT 7 AS n"), true);
      check(rows(statement.getResultSet()), "7");
      check(statement.getUpdateCount(), -1);
      try (ResultSet result = statement.executeQuery("SELECT id, weight FROM birds LIMIT 1")) {
        ResultSetMetaData metadata = result.getMetaData();
        check(metadata.getColumnCount(), 2);
        check(metadata.getColumnLabel(2) + " " + metadata.getColumnType(2), "weight " + Types.DECIMAL);
      }
      statement.setMaxRows(2);
      check(query(statement, "SELECT id FROM birds ORDER BY id"), "1 2");
    }
  }

  private static void manyRows(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      long count = 0;
      long sum = 0;
      try (ResultSet result = statement.executeQuery("SELECT range AS n, 'row ' || range AS t FROM range(200000)")) {
        while (result.next()) {
          count++;
          sum += result.getLong("n");
          check(result.getString("t").startsWith("row "), true);
        }
      }
      check(count + " " + sum, "200000 19999900000");
    }
  }

  private static final StringBuilder WRONG = new StringBuilder();

  private static void type(Statement statement, String expression, int type, String expected) throws Exception {
    try (ResultSet result = statement.executeQuery("SELECT " + expression + " AS v")) {
      check(result.next(), true);
      Object value = result.getObject(1);
      String shown = value instanceof byte[] ? Arrays.toString((byte[]) value) : String.valueOf(value);
      String found = result.getMetaData().getColumnType(1) + " " + shown;
      if (!found.equals(type + " " + expected)) {
        WRONG.append(expression).append(" is ").append(found).append("\n");
      }
    }
  }

  private static void types(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      type(statement, "true", Types.BOOLEAN, "true");
      type(statement, "1::TINYINT", Types.TINYINT, "1");
      type(statement, "1::SMALLINT", Types.SMALLINT, "1");
      type(statement, "1::INTEGER", Types.INTEGER, "1");
      type(statement, "1::BIGINT", Types.BIGINT, "1");
      type(statement, "255::UTINYINT", Types.TINYINT, "-1"); // the driver has no unsigned integers
      type(statement, "4000000000::UINTEGER", Types.INTEGER, "-294967296");
      type(statement, "18446744073709551615::UBIGINT", Types.BIGINT, "-1");
      type(statement, "12::HUGEINT", Types.DECIMAL, "12");
      type(statement, "1.5::FLOAT", Types.FLOAT, "1.5");
      type(statement, "1.5::DOUBLE", Types.DOUBLE, "1.5");
      type(statement, "1.50::DECIMAL(10, 2)", Types.DECIMAL, "1.50");
      type(statement, "'caf\u00e9 \u20ac'", Types.VARCHAR, "caf\u00e9 \u20ac");
      type(statement, "'\\x01\\xFF'::BLOB", Types.VARBINARY, "[1, -1]");
      type(statement, "DATE '2026-05-01'", Types.DATE, "2026-05-01");
      type(statement, "TIME '06:30:15'", Types.TIME, "06:30:15");
      type(statement, "TIMESTAMP '2026-05-01 06:30:15.25'", Types.TIMESTAMP, "2026-05-01 06:30:15.25");
      type(statement, "TIMESTAMP_S '2026-05-01 06:30:15'", Types.TIMESTAMP, "2026-05-01 06:30:15.0");
      type(statement, "INTERVAL 3 DAY", Types.JAVA_OBJECT, "P3D PT0S");
      type(statement, "[1, 2, NULL]", Types.ARRAY, "[1,2,null]");
      type(statement, "{'a': 1, 'b': 'x'}", Types.JAVA_OBJECT, "{\"a\":1,\"b\":\"x\"}");
      type(statement, "MAP {'k': 1}", Types.JAVA_OBJECT, "{\"k\":1}");
      type(statement, "'cd'::ENUM('ab', 'cd')", Types.VARCHAR, "1"); // nor are its dictionaries looked up
      type(statement, "NULL::INTEGER", Types.INTEGER, "null");
      type(statement, "uuid '00000000-0000-0000-0000-000000000001'", Types.VARCHAR,
          "00000000-0000-0000-0000-000000000001");
      check(WRONG, "");
    }
  }

  private static void updates(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      check(statement.executeUpdate("CREATE TABLE nests (id INTEGER, place VARCHAR)"), 0);
      check(statement.executeUpdate("INSERT INTO nests VALUES (1, 'oak'), (2, 'elm')"), 2);
      check(statement.execute("UPDATE nests SET place = 'ash' WHERE id = 2"), false);
      check(statement.getUpdateCount(), 1);
      check(query(statement, "SELECT * FROM nests ORDER BY id"), "1|oak 2|ash");
      check(statement.executeLargeUpdate("DELETE FROM nests"), 2);
      check(statement.executeUpdate("DROP TABLE nests"), 0);
    }
  }

  private static void parameters(String url) throws Exception {
    try (Connection connection = connect(url)) {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT name FROM birds WHERE id = ?::INTEGER OR name = ?")) {
        check(statement.getParameterMetaData().getParameterCount(), 2);
        check(statement.getParameterMetaData().getParameterType(1), Types.INTEGER);
        check(statement.getMetaData().getColumnName(1), "name");
        statement.setInt(1, 1);
        statement.setString(2, "owl");
        check(rows(statement.executeQuery()), "wren owl");
        statement.setInt(1, 3);
        check(rows(statement.executeQuery()), "owl rook");
      }
      try (PreparedStatement statement = connection.prepareStatement("INSERT INTO nest.twigs VALUES (?::DOUBLE)")) {
        statement.setDouble(1, 2.5);
        check(statement.executeUpdate(), 1);
        check(statement.executeUpdate(), 1);
      }
      try (PreparedStatement statement = connection.prepareStatement("DELETE FROM nest.twigs")) {
        check(statement.executeUpdate(), 2);
        check(statement.executeUpdate(), 0);
      }
    }
  }

  interface Setter {
    void set(PreparedStatement statement) throws SQLException;
  }

  private static void echo(Connection connection, String type, String expected, Setter setter) throws Exception {
    try (PreparedStatement statement = connection.prepareStatement("SELECT ?::" + type)) {
      setter.set(statement);
      check(type + " " + rows(statement.executeQuery()), type + " " + expected);
    }
  }

  private static void parameterTypes(String url) throws Exception {
    try (Connection connection = connect(url)) {
      echo(connection, "BOOLEAN", "true", statement -> statement.setBoolean(1, true));
      echo(connection, "TINYINT", "-3", statement -> statement.setByte(1, (byte) -3));
      echo(connection, "SMALLINT", "300", statement -> statement.setShort(1, (short) 300));
      echo(connection, "INTEGER", "70000", statement -> statement.setInt(1, 70000));
      echo(connection, "BIGINT", "5000000000", statement -> statement.setLong(1, 5000000000L));
      echo(connection, "FLOAT", "1.5", statement -> statement.setFloat(1, 1.5f));
      echo(connection, "DOUBLE", "2.5", statement -> statement.setDouble(1, 2.5));
      echo(connection, "VARCHAR", "caf\u00e9", statement -> statement.setString(1, "caf\u00e9"));
      echo(connection, "BLOB", "\u0001\u0002", statement -> statement.setBytes(1, new byte[] {1, 2}));
      echo(connection, "DATE", "2026-05-01", statement -> statement.setDate(1, Date.valueOf("2026-05-01")));
      // Milliseconds, whatever unit the server has told.
      echo(connection, "TIMESTAMP_MS", "2026-05-01 06:30:00.0",
          statement -> statement.setTimestamp(1, Timestamp.valueOf("2026-05-01 06:30:00")));
    }
  }

  private static void nullParameters(String url) throws Exception {
    try (Connection connection = connect(url)) {
      echo(connection, "INTEGER", "null", statement -> statement.setNull(1, Types.INTEGER));
      echo(connection, "VARCHAR", "null", statement -> statement.setString(1, null));
      echo(connection, "DATE", "null", statement -> statement.setNull(1, Types.DATE));
    }
  }

  private static void batch(String url) throws Exception {
    try (Connection connection = connect(url); Statement check = connection.createStatement()) {
      check.executeUpdate("CREATE TABLE flocks (id INTEGER, name VARCHAR)");
      try (PreparedStatement statement = connection.prepareStatement("INSERT INTO flocks VALUES (?::INTEGER, ?)")) {
        for (int i = 1; i <= 500; i++) {
          statement.setInt(1, i);
          statement.setString(2, i == 3 ? null : "flock " + i);
          statement.addBatch();
        }
        long[] counts = statement.executeLargeBatch();
        check(counts.length > 0, true);
      }
      check(query(check, "SELECT count(*), sum(id), count(name) FROM flocks"), "500|125250|499");
      check.executeUpdate("DROP TABLE flocks");
    }
  }

  /** The driver keeps cookies, so that what a statement sets is there for the next, and for nobody else. */
  private static void session(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      statement.executeUpdate("CREATE TEMP TABLE mine (i INTEGER)");
      check(query(statement, "SELECT count(*) FROM mine"), "0");
    }
  }

  /** The driver has no transactions: each statement is kept. */
  private static void autoCommit(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.executeUpdate("INSERT INTO nest.twigs VALUES (1)");
      connection.rollback();
      check(query(statement, "SELECT count(*) FROM nest.twigs"), "1");
      connection.commit();
      connection.setAutoCommit(true);
      check(statement.executeUpdate("DELETE FROM nest.twigs"), 1);
    }
  }

  private static void errors(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      checkHas(failure(() -> statement.executeQuery("SELEKT 1")).getMessage(), "syntax error at or near \"SELEKT\"");
      checkHas(failure(() -> statement.executeQuery("SELECT * FROM nowhere")).getMessage(), "nowhere does not exist");
      checkHas(failure(() -> statement.executeUpdate("INSERT INTO birds VALUES (1, 'twice', 0, NULL)")).getMessage(),
          "Duplicate key");
      checkHas(failure(() -> rows(statement.executeQuery("SELECT 'x'::INTEGER"))).getMessage(), "Could not convert string 'x'");
      checkHas(failure(() -> connection.prepareStatement("SELECT * FROM nowhere")).getMessage(), "nowhere");
      check(query(statement, "SELECT 1"), "1");
    }
  }

  /** The driver takes 8 KiB of headers. */
  private static void longError(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      String name = String.join("", Collections.nCopies(100000, "x"));
      checkHas(failure(() -> statement.executeQuery("SELECT * FROM " + name)).getMessage(), "xxx");
      checkHas(failure(() -> statement.executeQuery("SELECT error('" + name + "')")).getMessage(), "xxx");
      checkHas(failure(() -> statement.executeQuery("SELECT error('caf\u00e9\n\u20ac')")).getMessage(), "caf\u00e9");
      check(query(statement, "SELECT 1"), "1");
    }
  }

  private static void cancel(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      try (ResultSet result = statement.executeQuery("SELECT range FROM range(100000000000)")) {
        for (int i = 0; i < 10; i++) {
          check(result.next(), true);
        }
        statement.cancel();
        checkHas(failure(() -> rows(result)).getMessage(), "cancel");
      }
      // The session goes on, also where a database has one result at a time.
      try (Statement next = connection.createStatement()) {
        check(query(next, "SELECT 1"), "1");
      }
    }
  }

  /** A database that knows no types before it has values: parameters are texts. */
  private static void untyped(String url) throws Exception {
    try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
      check(statement.executeUpdate("CREATE TABLE owls (id INTEGER, name TEXT)") <= 0, true);
      try (PreparedStatement insert = connection.prepareStatement("INSERT INTO owls VALUES (?, ?)")) {
        for (String name : new String[] {"tawny", "it's ?"}) {
          insert.setString(1, String.valueOf(name.length()));
          insert.setString(2, name);
          insert.addBatch();
        }
        insert.executeBatch();
      }
      check(query(statement, "SELECT id + 1, name FROM owls WHERE name <> '?' ORDER BY id;"), "6|tawny 7|it's ?");
      try (PreparedStatement select = connection.prepareStatement("SELECT name FROM owls WHERE id = ?")) {
        check(select.getMetaData().getColumnName(1), "name");
        select.setString(1, "5");
        check(rows(select.executeQuery()), "tawny");
        select.setInt(1, 5);
        checkHas(String.valueOf(failure(select::executeQuery)), "not yet supported for expected Arrow type Utf8");
      }
    }
  }

  private static void login(String url) throws Exception {
    try (Connection connection = connect(url + "&user=anybody&password=any"); Statement statement = connection.createStatement()) {
      check(query(statement, "SELECT 1"), "1");
    }
  }

  private static void catalogAndHeaders(String url) throws Exception {
    Connection connection = connect(url + "&catalog=memory&database=birds");
    try (Statement statement = connection.createStatement()) {
      check(query(statement, "SELECT 1"), "1");
    }
    // The driver closes the session twice, the second time without a channel.
    checkHas(failure(connection::close).getMessage(), "Channel shutdown invoked");
  }
}
