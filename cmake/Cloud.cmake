# Stores in the cloud: the crate of yummy/store/cloud as the static library yummy_cloud. It is built once, into build/cloud,
# for all presets.
option(YUMMY_CLOUD "Stores on S3, Azure and GCS; needs Cargo" ON)

if(YUMMY_CLOUD)
  set(crate "${CMAKE_SOURCE_DIR}/yummy/store/cloud")
  set(library "${CMAKE_SOURCE_DIR}/build/cloud/release/libyummy_cloud.a")
  file(GLOB crate_sources CONFIGURE_DEPENDS "${crate}/src/*.rs")
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  add_custom_command(
    OUTPUT "${library}"
    COMMAND ${Python3_EXECUTABLE} "${CMAKE_SOURCE_DIR}/tools/crates.py" build
    COMMAND ${CMAKE_COMMAND} -E touch_nocreate "${library}" # Cargo leaves it when nothing has changed for it
    DEPENDS ${crate_sources} "${crate}/Cargo.toml" "${CMAKE_SOURCE_DIR}/third_party/crates.txt" "${CMAKE_SOURCE_DIR}/tools/crates.py"
    COMMENT "Building the crate of yummy/store/cloud"
    VERBATIM)
  add_custom_target(yummy_cloud_library DEPENDS "${library}")
  add_library(yummy_cloud STATIC IMPORTED GLOBAL)
  # No name of Rust's, or of the C in its crates, is seen outside of what it is linked into.
  set_target_properties(yummy_cloud PROPERTIES
    IMPORTED_LOCATION "${library}"
    INTERFACE_LINK_OPTIONS "LINKER:--exclude-libs,libyummy_cloud.a"
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
  add_dependencies(yummy_cloud yummy_cloud_library)
endif()
