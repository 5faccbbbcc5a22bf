# What makes a memory error harder to use, as Debian builds its packages, in release builds and wheels; what a compiler
# does not know is left out. tools/check_hardening looks whether it arrived. Sanitizers have checks of their own, which
# these would hide.

include(CheckCCompilerFlag)

function(cflight_harden target)
  if(CFLIGHT_SANITIZE OR CFLIGHT_FUZZ OR NOT CMAKE_BUILD_TYPE MATCHES "Rel")
    return()
  endif()
  set(wanted -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|i.86")
    list(APPEND wanted -fcf-protection)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    list(APPEND wanted -mbranch-protection=standard)
  endif()
  foreach(flag IN LISTS wanted)
    string(MAKE_C_IDENTIFIER "CFLIGHT_HAS${flag}" variable)
    check_c_compiler_flag("${flag}" ${variable})
    if(${variable})
      target_compile_options(${target} INTERFACE "${flag}")
    endif()
  endforeach()
  # 3 looks at sizes that are known only at run time; older compilers take it for 2. Distributions may define another.
  target_compile_options(${target} INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  target_link_options(${target} INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endfunction()
