/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CFLIGHT_H
#define CFLIGHT_CFLIGHT_H

/// @file
/// Everything: include this one, or the headers below one by one. Each says with which version it
/// came; what is newer than its header says so itself.
/// @since 0.1

#include "cflight/alloc.h"
#include "cflight/arrow_abi.h"
#include "cflight/auth.h"
#include "cflight/bearer_auth.h"
#include "cflight/builder.h"
#include "cflight/bytes.h"
#include "cflight/call.h"
#include "cflight/client.h"
#include "cflight/cookies.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/fetch.h"
#include "cflight/health.h"
#include "cflight/ipc.h"
#include "cflight/log.h"
#include "cflight/loop.h"
#include "cflight/message.h"
#include "cflight/metrics.h"
#include "cflight/middleware.h"
#include "cflight/oauth.h"
#include "cflight/reflection.h"
#include "cflight/schema.h"
#include "cflight/seal.h"
#include "cflight/segment.h"
#include "cflight/server.h"
#include "cflight/service.h"
#include "cflight/sessions.h"
#include "cflight/sql.h"
#include "cflight/sql_client.h"
#include "cflight/sql_info.h"
#include "cflight/sql_server.h"
#include "cflight/status.h"
#include "cflight/stream.h"
#include "cflight/tls.h"
#include "cflight/trace.h"
#include "cflight/types.h"
#include "cflight/version.h"

#endif /* CFLIGHT_CFLIGHT_H */
