# Installation: headers, both libraries, pkg-config and CMake packages. Everything finds its prefix
# from where it lies, so an installed tree may be moved.

include(CMakePackageConfigHelpers)

function(cflight_install_library)
  set_target_properties(cflight_shared PROPERTIES EXPORT_NAME shared)
  set_target_properties(cflight_static PROPERTIES EXPORT_NAME static)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/cflight" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h")
  install(TARGETS cflight_shared EXPORT cflightSharedTargets LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS cflight_static EXPORT cflightStaticTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")

  set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/cflight")
  foreach(kind IN ITEMS Shared Static)
    install(EXPORT cflight${kind}Targets NAMESPACE cflight:: DESTINATION "${package_dir}")
  endforeach()
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/cflightConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/cflightConfig.cmake" INSTALL_DESTINATION "${package_dir}")
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/cflightConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
  install(FILES "${PROJECT_BINARY_DIR}/cflightConfig.cmake" "${PROJECT_BINARY_DIR}/cflightConfigVersion.cmake"
    DESTINATION "${package_dir}")

  file(RELATIVE_PATH prefix_from_pc "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/cflight.pc.in" "${PROJECT_BINARY_DIR}/cflight.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/cflight.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()
