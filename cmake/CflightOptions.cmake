# Build options, language level, warnings and sanitizers, for every target of the project.

option(CFLIGHT_BUILD_TESTS "Build tests, examples and benchmarks" ON)
option(CFLIGHT_WERROR "Treat warnings as errors" OFF)
set(CFLIGHT_OUTPUT_DIR "${CMAKE_BINARY_DIR}" CACHE PATH "Where bin/ and lib/ are made")
set(CFLIGHT_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined or thread")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CFLIGHT_OUTPUT_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CFLIGHT_OUTPUT_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CFLIGHT_OUTPUT_DIR}/lib")

add_library(cflight_flags INTERFACE)
target_compile_definitions(cflight_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
target_compile_options(cflight_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wswitch-enum)
if(CFLIGHT_WERROR)
  target_compile_options(cflight_flags INTERFACE -Werror)
endif()
if(CFLIGHT_SANITIZE)
  target_compile_options(cflight_flags INTERFACE
    -fsanitize=${CFLIGHT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(cflight_flags INTERFACE -fsanitize=${CFLIGHT_SANITIZE})
endif()
