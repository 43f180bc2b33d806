# install.cmake - what `cmake --install` puts where; the components are those of the packages.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  message(FATAL_ERROR "CMAKE_INSTALL_LIBDIR and CMAKE_INSTALL_INCLUDEDIR are relative to the prefix here")
endif()

install(TARGETS daemonize daemoncheck RUNTIME COMPONENT command)
install(TARGETS ${libraries} EXPORT blivet
  LIBRARY COMPONENT library NAMELINK_COMPONENT development
  ARCHIVE COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES core/blivet.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

# For CMake: find_package(blivet), targets blivet::blivet and blivet::blivet_static.
set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/blivet)
install(EXPORT blivet FILE blivet-config.cmake NAMESPACE blivet:: DESTINATION ${cmake_dir} COMPONENT development)
# Before 1.0 a minor version may break what was.
write_basic_package_version_file(blivet-config-version.cmake VERSION ${version} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/blivet-config-version.cmake DESTINATION ${cmake_dir} COMPONENT development)

# For pkg-config.  Paths are told from where the file lies, so the installed tree can be moved.
file(RELATIVE_PATH from_pkgconfig_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" from_pkgconfig_to_prefix ${from_pkgconfig_to_prefix})
configure_file(core/package/blivet.pc.in blivet.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/blivet.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# Manual pages, completions, the licence, the changelog.
foreach(section 1 3 7)
  file(GLOB pages CONFIGURE_DEPENDS core/*.${section} cli/*.${section})
  set(component development)
  if(section EQUAL 1)
    set(component command)
  endif()
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
endforeach()
set(share ${CMAKE_INSTALL_DATADIR})
foreach(command daemonize daemoncheck)
  install(FILES cli/completions/${command}.bash RENAME ${command} DESTINATION ${share}/bash-completion/completions COMPONENT command)
  install(FILES cli/completions/_${command} DESTINATION ${share}/zsh/site-functions COMPONENT command)
  install(FILES cli/completions/${command}.fish DESTINATION ${share}/fish/vendor_completions.d COMPONENT command)
endforeach()
install(FILES LICENSE core/package/changelog DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT licence)
