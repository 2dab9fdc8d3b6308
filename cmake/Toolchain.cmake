# Compiler, linker and sanitizer settings shared by all modules.
option(YUMMY_PCH "Use precompiled headers where DuckDB is seen" ON)
set(YUMMY_SANITIZE "" CACHE STRING "Sanitizers to compile with, as -fsanitize= takes them")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Dev CACHE STRING "" FORCE)
endif()
# Dev keeps assertions; it is optimised a little, because the SQL tests are slow otherwise.
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1")
set(CMAKE_C_FLAGS_DEV "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG -fstack-protector-strong -fcf-protection")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1 -DNDEBUG -fstack-protector-strong -fcf-protection")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers are cached only with these kinds of sloppiness (ccache manual, "Precompiled headers"). Paths below the
  # base directory count as relative ones, so that another checkout finds what this one compiled.
  set(CMAKE_C_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()
add_link_options(-Wl,-z,relro,-z,now)

if(YUMMY_SANITIZE)
  # With checks in between GCC 12 takes std::stop_source, which its constructor fills, for uninitialised.
  add_compile_options(-fsanitize=${YUMMY_SANITIZE} -fno-omit-frame-pointer -Wno-maybe-uninitialized)
  add_link_options(-fsanitize=${YUMMY_SANITIZE})
endif()

# Warnings for our own code only; third-party headers come in as SYSTEM.
add_library(yummy_warnings INTERFACE)
target_compile_options(yummy_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Werror
  # A designated initialiser leaves out what keeps its default: that is its use.
  -Wno-missing-field-initializers)
