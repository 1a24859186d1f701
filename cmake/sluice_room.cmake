# sluice_room(NAME SOURCES … [MAY_USE rooms …] [LIBRARIES …])
# One static library a room of the core. MAY_USE lists the rooms that it includes; a room that does
# not exist yet is a configure error, which keeps the arrows pointing one way.
function(sluice_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;MAY_USE;LIBRARIES" ${ARGN})
  add_library(sluice_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(sluice_${name} PUBLIC ${PROJECT_SOURCE_DIR}/core
                             ${PROJECT_SOURCE_DIR}/core/include)
  foreach(used IN LISTS ROOM_MAY_USE)
    if(NOT TARGET sluice_${used})
      message(FATAL_ERROR "room ${name} may not use room ${used}: it comes later")
    endif()
    target_link_libraries(sluice_${name} PUBLIC sluice_${used})
  endforeach()
  target_link_libraries(sluice_${name} PUBLIC ${ROOM_LIBRARIES} Threads::Threads)
endfunction()

# sluice_test(NAME SOURCES … [LIBRARIES …]): a cmocka program run by ctest.
function(sluice_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LIBRARIES" ${ARGN})
  sluice_package(cmocka cmocka)
  add_executable(${name} ${TEST_SOURCES})
  if(NOT SLUICE_TESTS)
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/core/include)
  target_link_libraries(${name} PRIVATE ${TEST_LIBRARIES} PkgConfig::cmocka Threads::Threads)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
