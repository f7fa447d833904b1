# Finds llhttp in the three forms in which distributions ship it, and gives it one name:
#
#   Llhttp::Llhttp
#
#   1. a CMake package     (Debian 13's libllhttp-dev, Fedora, Homebrew)
#   2. a pkg-config file   (Alpine, and others)
#   3. its C sources       (Debian 12's node-llhttp, below /usr/share/llhttp); built here
#
# LLHTTP_SOURCES names another folder with api.c, http.c, llhttp.c for the third form, and
# LLHTTP_FORM=cmake|pkgconfig|sources insists on one of them, so that each can be tested.

set(LLHTTP_FORM "" CACHE STRING "Insist on one form of llhttp: cmake, pkgconfig or sources")
set(LLHTTP_SOURCES "/usr/share/llhttp" CACHE PATH "Where api.c, http.c and llhttp.c are")
set(Llhttp_FORM "")

if(NOT LLHTTP_FORM OR LLHTTP_FORM STREQUAL "cmake")
  find_package(llhttp CONFIG QUIET)
  foreach(target llhttp::llhttp_shared llhttp::llhttp_static llhttp::llhttp)
    if(NOT Llhttp_FORM AND TARGET ${target})
      add_library(Llhttp::Llhttp INTERFACE IMPORTED)
      target_link_libraries(Llhttp::Llhttp INTERFACE ${target})
      set(Llhttp_FORM "CMake package")
    endif()
  endforeach()
endif()

if(NOT Llhttp_FORM AND (NOT LLHTTP_FORM OR LLHTTP_FORM STREQUAL "pkgconfig"))
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(LLHTTP_PC QUIET IMPORTED_TARGET libllhttp)
    if(LLHTTP_PC_FOUND)
      add_library(Llhttp::Llhttp INTERFACE IMPORTED)
      target_link_libraries(Llhttp::Llhttp INTERFACE PkgConfig::LLHTTP_PC)
      set(Llhttp_FORM "pkg-config")
    endif()
  endif()
endif()

if(NOT Llhttp_FORM AND (NOT LLHTTP_FORM OR LLHTTP_FORM STREQUAL "sources"))
  find_path(LLHTTP_INCLUDE_DIR llhttp.h
    PATHS "${LLHTTP_SOURCES}" /usr/share/include/llhttp /usr/include)
  if(LLHTTP_INCLUDE_DIR AND EXISTS "${LLHTTP_SOURCES}/llhttp.c")
    add_library(llhttp_sources STATIC
      "${LLHTTP_SOURCES}/api.c" "${LLHTTP_SOURCES}/http.c" "${LLHTTP_SOURCES}/llhttp.c")
    target_include_directories(llhttp_sources SYSTEM PUBLIC "${LLHTTP_INCLUDE_DIR}")
    target_compile_options(llhttp_sources PRIVATE -w -O2)
    add_library(Llhttp::Llhttp ALIAS llhttp_sources)
    set(Llhttp_FORM "sources in ${LLHTTP_SOURCES}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Llhttp REQUIRED_VARS Llhttp_FORM
  REASON_FAILURE_MESSAGE
  "llhttp was not found: install libllhttp-dev (Debian 13, Fedora: llhttp-devel) or node-llhttp (Debian 12)")
