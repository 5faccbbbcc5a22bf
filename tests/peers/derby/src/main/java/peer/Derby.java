// SPDX-License-Identifier: Apache-2.0
package peer;

import org.apache.arrow.flight.FlightServer;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.sql.FlightSqlProducer;
import org.apache.arrow.flight.sql.example.FlightSqlExample;
import org.apache.arrow.flight.sql.example.FlightSqlStatelessExample;
import org.apache.arrow.memory.RootAllocator;

/**
 * Arrow's examples of a server over Derby, "stateful" or "stateless", which puts parameters into a new handle; on a
 * port. Prints that port when it listens; the database is in the working directory; ends with its standard input.
 */
final class Derby {
  public static void main(String[] arguments) throws Exception {
    Location location = Location.forGrpcInsecure("127.0.0.1", Integer.parseInt(arguments[1]));
    FlightSqlProducer producer = arguments[0].equals("stateless")
        ? new FlightSqlStatelessExample(location, "target/derbyDB")
        : new FlightSqlExample(location, "target/derbyDB");
    FlightServer server = FlightServer.builder(new RootAllocator(), location, producer).build().start();
    System.out.println(server.getPort());
    while (System.in.read() >= 0) {
      // Nothing is to be read but the end.
    }
    System.exit(0);
  }
}
