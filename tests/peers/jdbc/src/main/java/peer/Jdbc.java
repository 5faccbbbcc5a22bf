// SPDX-License-Identifier: Apache-2.0
package peer;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Cases of the JDBC driver against the server that a URL names: for each line of standard input, the name of a case, it
 * prints "ok" or why not, and a line with a dot.
 */
final class Jdbc {
  interface Case {
    void run(String url) throws Exception;
  }

  private static final Map<String, Case> CASES = new LinkedHashMap<>();

  static Connection connect(String url) throws SQLException {
    return DriverManager.getConnection(url);
  }

  static void check(Object found, Object expected) {
    if (!String.valueOf(found).equals(String.valueOf(expected))) {
      throw new AssertionError("found " + found + ", expected " + expected);
    }
  }

  /** All rows of a result, as "a|b c|d": some of its columns by name, or all. */
  static String rows(ResultSet result, String... columns) throws SQLException {
    List<String> lines = new ArrayList<>();
    ResultSetMetaData metadata = result.getMetaData();
    while (result.next()) {
      List<String> values = new ArrayList<>();
      for (String column : columns) {
        values.add(result.getString(column));
      }
      for (int i = 1; columns.length == 0 && i <= metadata.getColumnCount(); i++) {
        values.add(result.getString(i));
      }
      lines.add(String.join("|", values.toArray(new CharSequence[0])));
    }
    result.close();
    return String.join(" ", lines);
  }

  interface Failing {
    void run() throws Exception;
  }

  /** The exception that something throws. */
  static SQLException failure(Failing failing) throws Exception {
    try {
      failing.run();
    } catch (SQLException exception) {
      return exception;
    }
    throw new AssertionError("nothing failed");
  }

  static void checkHas(String text, String part) {
    if (text == null || !text.contains(part)) {
      throw new AssertionError("'" + part + "' is not in: " + text);
    }
  }

  static void add(String name, Case added) {
    CASES.put(name, added);
  }

  public static void main(String[] arguments) throws Exception {
    Browse.addAll();
    Catalog.addAll();
    Statements.addAll();
    BufferedReader names = new BufferedReader(new InputStreamReader(System.in));
    for (String name = names.readLine(); name != null; name = names.readLine()) {
      try {
        CASES.get(name).run(arguments[0]);
        System.out.println("ok");
      } catch (Throwable problem) {
        problem.printStackTrace(System.out);
      }
      System.out.println(".");
    }
  }
}
