# Of libjpeg-turbo, the library that is linked and nothing else: its programs, their tests and a second library for them take longer
# to compile than it does. `.cargo/config.toml` names this file; without it everything is compiled, and the same is linked.
# CMake reads it more than once, and what stands here would call itself.
include_guard(GLOBAL)
# Nor is it for the small programs that CMake tries the compiler with.
if(NOT CMAKE_PROJECT_NAME STREQUAL "libjpeg-turbo")
  return()
endif()

macro(add_executable name)
  _add_executable(${name} EXCLUDE_FROM_ALL ${ARGN})
endmacro()

macro(add_library name)
  _add_library(${name} ${ARGN})
  if(${name} STREQUAL "jpeg-static")
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
endmacro()

macro(install kind)
  if("${ARGN}" MATCHES "turbojpeg-static|turbojpeg\\.h")
    _install(${kind} ${ARGN})
  endif()
endmacro()
