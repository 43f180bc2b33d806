# settle.cmake - run by CPack between installing and packing: what Debian wants of the files of a package, and one
# time for all of them, SOURCE_DATE_EPOCH where it is set, so that two builds under umask 022 are the same
# bytes.
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(CPACK_GENERATOR STREQUAL "DEB")
  foreach(component ${CPACK_COMPONENTS_ALL})
    string(TOUPPER ${component} upper)
    set(root ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr)
    set(documents ${root}/share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
    run(install -D -m 644 ${CPACK_BLIVET_SOURCE}/LICENSE ${documents}/copyright)
    run(install -D -m 644 ${CPACK_BLIVET_SOURCE}/core/package/changelog ${documents}/changelog)
    file(GLOB_RECURSE compressed ${root}/share/man/*.[137] ${documents}/changelog)
    run(gzip -9n ${compressed})
    if(EXISTS ${root}/share/zsh/site-functions) # which Debian keeps for others
      file(RENAME ${root}/share/zsh/site-functions ${root}/share/zsh/vendor-completions)
    endif()
    file(GLOB_RECURSE archives ${root}/*.a)
    if(archives)
      run(strip --strip-unneeded --enable-deterministic-archives ${archives})
    endif()
  endforeach()
endif()
run(find ${CPACK_TEMPORARY_DIRECTORY} -type d -exec chmod 755 {} +)
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  run(find ${CPACK_TEMPORARY_DIRECTORY} -exec touch --no-dereference --date=@$ENV{SOURCE_DATE_EPOCH} {} +)
endif()
