# Third-party libraries. `make setup` puts what Debian lacks below build/third_party; a packager may point
# YUMMY_THIRD_PARTY elsewhere. Versions and hashes: third_party/versions.txt.
set(YUMMY_THIRD_PARTY "${CMAKE_SOURCE_DIR}/build/third_party" CACHE PATH "DuckDB, Arrow and CRoaring")

if(NOT EXISTS "${YUMMY_THIRD_PARTY}/duckdb/include/duckdb.hpp")
  message(FATAL_ERROR "no third-party libraries in ${YUMMY_THIRD_PARTY}: run `make setup` first")
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(GTest REQUIRED)

function(yummy_prebuilt name library include)
  add_library(${name} SHARED IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION "${library}" INTERFACE_INCLUDE_DIRECTORIES "${include}")
endfunction()

yummy_prebuilt(yummy_third_party::duckdb "${YUMMY_THIRD_PARTY}/duckdb/lib/libduckdb.so" "${YUMMY_THIRD_PARTY}/duckdb/include")
yummy_prebuilt(yummy_third_party::arrow "${YUMMY_THIRD_PARTY}/arrow/lib/libarrow.so.2600" "${YUMMY_THIRD_PARTY}/arrow/include")
yummy_prebuilt(yummy_third_party::parquet "${YUMMY_THIRD_PARTY}/arrow/lib/libparquet.so.2600" "${YUMMY_THIRD_PARTY}/arrow/include")
target_link_libraries(yummy_third_party::parquet INTERFACE yummy_third_party::arrow)

add_library(yummy_roaring STATIC "${YUMMY_THIRD_PARTY}/croaring/roaring.c")
target_include_directories(yummy_roaring SYSTEM PUBLIC "${YUMMY_THIRD_PARTY}/croaring")
target_compile_options(yummy_roaring PRIVATE -w)

# libparquet.so exports the symbols of another simdjson version, and whichever comes first on the link line would serve both:
# ours is built under a namespace of its own.
add_library(yummy_simdjson STATIC "${YUMMY_THIRD_PARTY}/simdjson/simdjson.cpp")
target_include_directories(yummy_simdjson SYSTEM PUBLIC "${YUMMY_THIRD_PARTY}/simdjson")
target_compile_definitions(yummy_simdjson PUBLIC simdjson=yummy_simdjson)
target_compile_options(yummy_simdjson PRIVATE -w -O2 -fvisibility=hidden)
