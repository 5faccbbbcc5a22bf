// SPDX-License-Identifier: Apache-2.0
package peer;

import java.util.Arrays;
import org.apache.arrow.flight.SessionOptionValue;
import org.apache.arrow.flight.SessionOptionValueVisitor;

/** A session option's value, in a form that can be compared. */
final class OptionText implements SessionOptionValueVisitor<Object> {
  static Object of(SessionOptionValue value) {
    return value.acceptVisitor(new OptionText());
  }

  @Override
  public Object visit(String value) {
    return value;
  }

  @Override
  public Object visit(boolean value) {
    return value;
  }

  @Override
  public Object visit(long value) {
    return value;
  }

  @Override
  public Object visit(double value) {
    return value;
  }

  @Override
  public Object visit(String[] value) {
    return Arrays.asList(value);
  }

  @Override
  public Object visit(Void value) {
    return null;
  }
}
