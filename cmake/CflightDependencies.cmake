# The libraries cflight stands on. Each does what it was made for; see docs/internals/architecture.md. What is kept in
# the cache has a name of ours, and targets are global: a project that takes this one in links the static library.

set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
pkg_check_modules(CFLIGHT_NGHTTP2 REQUIRED IMPORTED_TARGET GLOBAL libnghttp2>=1.52)
pkg_check_modules(CFLIGHT_PROTOBUF_C REQUIRED IMPORTED_TARGET GLOBAL libprotobuf-c>=1.4)
pkg_check_modules(CFLIGHT_URIPARSER REQUIRED IMPORTED_TARGET GLOBAL liburiparser)
pkg_check_modules(CFLIGHT_LZ4 REQUIRED IMPORTED_TARGET GLOBAL liblz4)
pkg_check_modules(CFLIGHT_ZSTD REQUIRED IMPORTED_TARGET GLOBAL libzstd)
pkg_check_modules(CFLIGHT_ZLIB REQUIRED IMPORTED_TARGET GLOBAL zlib)
pkg_check_modules(CFLIGHT_LIBCRYPT REQUIRED IMPORTED_TARGET GLOBAL libcrypt)
find_program(CFLIGHT_PROTOC_C protoc-c REQUIRED)
# Asks token servers for tokens (cflight/oauth.h). Its headers are needed here; it is loaded when the first is asked.
if(CFLIGHT_OAUTH)
  pkg_check_modules(CFLIGHT_LIBCURL libcurl>=7.77)
  if(NOT CFLIGHT_LIBCURL_FOUND)
    message(STATUS "libcurl's headers are not there: built without OAuth")
  endif()
endif()
# Edits lines at the prompt of the command, which does without where it is not there; the library never has it.
if(CFLIGHT_EDIT_LINES AND (CFLIGHT_BUILD_PROGRAMS OR CFLIGHT_BUILD_TESTS))
  pkg_check_modules(CFLIGHT_LIBEDIT IMPORTED_TARGET libedit)
endif()
if(CFLIGHT_BUILD_TESTS)
  pkg_check_modules(CFLIGHT_CMOCKA REQUIRED IMPORTED_TARGET cmocka)
endif()
