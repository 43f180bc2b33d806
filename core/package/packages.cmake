# packages.cmake - what CPack makes: blivet-VERSION-Linux.tar.gz, a tree that can be put anywhere, and three Debian
# packages, cut as Debian cuts libraries: a machine that runs daemons needs no header, a program that is linked with
# the library needs nothing else of it, and two SONAMEs can be installed side by side.
#
#   libblivetN      the shared library, N is the SONAME's number
#   libblivet-dev   header, static library, pkg-config and CMake files, blivet(3) and blivet(7)
#   blivet          the commands, which need no library of ours, their manual pages and completions
set(CPACK_GENERATOR TGZ DEB)
set(CPACK_PACKAGE_CONTACT "The blivet authors <blivet@users.noreply.github.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "turn a process into a Unix daemon correctly")
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/core/package/settle.cmake)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_BLIVET_SOURCE ${CMAKE_SOURCE_DIR}) # for settle.cmake

set(soname_package libblivet${PROJECT_VERSION_MAJOR})
set(about "It takes the steps of daemonization in the one order that is right, tells\n\
whoever started the daemon the truth about how it went, and leaves nothing\n\
behind after a failed start.")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL library development command)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${soname_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
file(WRITE ${CMAKE_BINARY_DIR}/shlibs "libblivet ${PROJECT_VERSION_MAJOR} ${soname_package} (>= ${version})\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${CMAKE_BINARY_DIR}/shlibs ${CMAKE_SOURCE_DIR}/core/package/triggers)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "This is the shared library.\n${about}")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libblivet-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${soname_package} (= ${version})")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "This is what a program is compiled with.\n${about}")

set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME blivet)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_COMMAND_PACKAGE_CONFLICTS daemonize) # another command of that name, with other options
set(CPACK_COMPONENT_COMMAND_DESCRIPTION "This is the command, daemonize: it runs any program as a daemon. Beside it\n\
is daemoncheck, which says of a running process whether it is a well-made one.\n${about}")
include(CPack)
