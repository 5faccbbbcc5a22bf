/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_VALUE_AUTHORIZATION_H
#define CFL_FLIGHT_VALUE_AUTHORIZATION_H

/* The header of clients that log in, and the schemes that begin its value, in any case (RFC 9110
 * 11.6.2, RFC 6750 2.1, RFC 7617). */
#define CFL_AUTHORIZATION "authorization"
#define CFL_SCHEME_BEARER "Bearer "
#define CFL_SCHEME_BASIC "Basic "

#endif /* CFL_FLIGHT_VALUE_AUTHORIZATION_H */
