# sluice_add_plugin(NAME SOURCES … [LIBRARIES …] [PACKAGE component])
# A shared object build/plugins/sluice-NAME.so with one exported symbol and nothing undefined. PACKAGE names the
# component of sluice_packages.cmake that it is installed with; without it that is the program's.
function(sluice_add_plugin name)
  cmake_parse_arguments(PLUGIN "" "PACKAGE" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT PLUGIN_PACKAGE)
    set(PLUGIN_PACKAGE program)
  endif()
  add_library(plugin_${name} MODULE ${PLUGIN_SOURCES})
  set_target_properties(plugin_${name} PROPERTIES
    PREFIX "" OUTPUT_NAME "sluice-${name}"
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/plugins
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(plugin_${name} PRIVATE ${PROJECT_SOURCE_DIR}/core/include
                             ${PROJECT_SOURCE_DIR}/plugins/shared)
  target_link_options(plugin_${name} PRIVATE -Wl,-z,now -Wl,--exclude-libs,ALL
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/plugin.map)
  if(NOT SLUICE_SANITIZE)
    target_link_options(plugin_${name} PRIVATE -Wl,--no-undefined)
  endif()
  target_link_libraries(plugin_${name} PRIVATE ${PLUGIN_LIBRARIES} Threads::Threads)
  install(TARGETS plugin_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/sluice/plugins
          COMPONENT ${PLUGIN_PACKAGE})
endfunction()

# sluice_shared_library(NAME SOURCES … [LIBRARIES …]): a static library for our own plugins.
function(sluice_shared_library name)
  cmake_parse_arguments(SHARED "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(shared_${name} STATIC ${SHARED_SOURCES})
  set_target_properties(shared_${name} PROPERTIES C_VISIBILITY_PRESET hidden)
  target_include_directories(shared_${name} PUBLIC ${PROJECT_SOURCE_DIR}/core/include
                             ${PROJECT_SOURCE_DIR}/plugins/shared)
  target_link_libraries(shared_${name} PUBLIC ${SHARED_LIBRARIES})
endfunction()
