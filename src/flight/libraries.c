/* SPDX-License-Identifier: Apache-2.0 */
/* Which libraries are at work, and in which versions. Each is asked where it is used. Thread class:
 * free. */
#include <crypt.h>
#include <protobuf-c/protobuf-c.h>
#include <uriparser/UriBase.h>

#include "cflight/version.h"
#include "grpc/wire.h"
#include "h2/session.h"
#include "ipc/compress.h"
#include "net/tls.h"

/* These two do not tell what was loaded. */
static const char *uriparser_version(void)
{
    return URI_VER_ANSI;
}

static const char *libxcrypt_version(void)
{
#ifdef XCRYPT_VERSION_STR
    return XCRYPT_VERSION_STR;
#else
    return "unknown"; /* another libcrypt */
#endif
}

static const struct {
    const char *name;
    const char *(*version)(void);
} LIBRARIES[] = {
    {"OpenSSL", cfl_tls_library_version}, {"nghttp2", cfl_h2_library_version},
    {"protobuf-c", protobuf_c_version},   {"uriparser", uriparser_version},
    {"libxcrypt", libxcrypt_version},     {"lz4", cfl_lz4_version},
    {"zstd", cfl_zstd_version},           {"zlib", cfl_zlib_version},
};

enum { LIBRARY_COUNT = sizeof LIBRARIES / sizeof LIBRARIES[0] };

const char *cflight_library_name(size_t index)
{
    return index < LIBRARY_COUNT ? LIBRARIES[index].name : NULL;
}

const char *cflight_library_version(size_t index)
{
    return index < LIBRARY_COUNT ? LIBRARIES[index].version() : NULL;
}
