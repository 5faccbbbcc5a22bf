# Writes the bytes of a file as a C array: cmake -DINPUT=... -DOUTPUT=... -P embed.cmake
file(READ "${INPUT}" bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE "${OUTPUT}" "#include <stddef.h>
#include <stdint.h>
extern const uint8_t cfl_descriptor_set[];
extern const size_t cfl_descriptor_set_bytes;
const uint8_t cfl_descriptor_set[] = {${bytes}};
const size_t cfl_descriptor_set_bytes = ${size};
")
