# Of libjpeg-turbo, the library that is linked and nothing else: its programs, their tests and a second library for them take longer
# to compile than it does. `.cargo/config.toml` names this file; without it everything is compiled, and the same is linked.
# CMake reads it more than once, and what stands here would call itself.
include_guard(GLOBAL)

macro(add_executable name)
  if(CMAKE_PROJECT_NAME STREQUAL "libjpeg-turbo")
    _add_executable(${name} EXCLUDE_FROM_ALL ${ARGN})
  else()
    _add_executable(${name} ${ARGN})
  endif()
endmacro()

macro(add_library name)
  if(${name} STREQUAL "jpeg-static")
    _add_library(${name} EXCLUDE_FROM_ALL ${ARGN})
  else()
    _add_library(${name} ${ARGN})
  endif()
endmacro()

macro(install kind)
  if(CMAKE_PROJECT_NAME STREQUAL "libjpeg-turbo" AND NOT "${ARGN}" MATCHES "turbojpeg-static|turbojpeg\\.h")
    # Nothing of it is there.
  else()
    _install(${kind} ${ARGN})
  endif()
endmacro()
