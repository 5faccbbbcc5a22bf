// SPDX-License-Identifier: Apache-2.0
package peer;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.CancelStatus;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.Ticket;

/** expiration_time, the server: three endpoints, two of which expire, can be cancelled and renewed. */
final class Expirations {
  private static final String[] TEXTS = {"0: No expiration time", "1: 5 seconds", "2: 6 seconds"};

  private final Instant[] ends = new Instant[TEXTS.length];
  private final boolean[] isCancelled = new boolean[TEXTS.length];
  private final boolean[] isRead = new boolean[TEXTS.length];

  private static int indexOf(Ticket ticket) {
    String text = new String(ticket.getBytes(), StandardCharsets.UTF_8).split(":")[0];
    if (!text.matches("[0-2]")) {
      throw CallStatus.NOT_FOUND.withDescription("no flight has this ticket").toRuntimeException();
    }
    return Integer.parseInt(text);
  }

  /** New states; their endpoints. */
  synchronized FlightEndpoint[] begin() {
    FlightEndpoint[] endpoints = new FlightEndpoint[TEXTS.length];
    for (int i = 0; i < TEXTS.length; i++) {
      ends[i] = i == 0 ? null : Instant.now().plusSeconds(4 + i);
      isCancelled[i] = false;
      isRead[i] = false;
      FlightEndpoint.Builder builder = FlightEndpoint.builder(new Ticket(TEXTS[i].getBytes(StandardCharsets.UTF_8)));
      endpoints[i] = ends[i] == null ? builder.build() : builder.setExpirationTime(ends[i]).build();
    }
    return endpoints;
  }

  /** The number that is all of the flight. */
  synchronized int read(Ticket ticket) {
    int index = indexOf(ticket);
    if (isCancelled[index] || (ends[index] == null && isRead[index])) {
      throw CallStatus.NOT_FOUND.withDescription("the flight is cancelled or was read").toRuntimeException();
    }
    if (ends[index] != null && ends[index].isBefore(Instant.now())) {
      throw CallStatus.NOT_FOUND.withDescription("the flight has expired").toRuntimeException();
    }
    isRead[index] = true;
    return index;
  }

  synchronized CancelStatus cancel(FlightInfo info) {
    CancelStatus outcome = CancelStatus.UNSPECIFIED;
    for (FlightEndpoint endpoint : info.getEndpoints()) {
      int index = indexOf(endpoint.getTicket());
      if (isCancelled[index]) {
        outcome = CancelStatus.NOT_CANCELLABLE;
      } else if (outcome == CancelStatus.UNSPECIFIED) {
        outcome = CancelStatus.CANCELLED;
      }
      isCancelled[index] = true;
    }
    return outcome;
  }

  synchronized FlightEndpoint renew(FlightEndpoint endpoint) {
    int index = indexOf(endpoint.getTicket());
    if (isCancelled[index]) {
      throw CallStatus.INVALID_ARGUMENT.withDescription("the flight was cancelled").toRuntimeException();
    }
    ends[index] = Instant.now().plusSeconds(10);
    String text = new String(endpoint.getTicket().getBytes(), StandardCharsets.UTF_8) + ": renewed (+ 10 seconds)";
    return FlightEndpoint.builder(new Ticket(text.getBytes(StandardCharsets.UTF_8)))
        .setExpirationTime(ends[index])
        .build();
  }
}
