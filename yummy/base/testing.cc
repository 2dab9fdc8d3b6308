#include "yummy/base/testing.h"

#include "yummy/base/random.h"

namespace yummy {

TemporaryFolder::TemporaryFolder()
    : path_(std::filesystem::temp_directory_path() / ("yummy-test-" + Random::System().Uuid())) {
  std::filesystem::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace yummy
