#pragma once
// Matchers on Result for tests: EXPECT_THAT(result, IsOk()), IsError(ErrorCode::kCorrupt).

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "yummy/base/result.h"

namespace yummy {

MATCHER(IsOk, "") {
  if (arg.ok()) return true;
  *result_listener << arg.error().ToString();
  return false;
}

MATCHER_P(IsError, code, std::string("is the error ") + std::string(ErrorCodeName(code))) {
  if (arg.ok()) {
    *result_listener << "is ok";
    return false;
  }
  *result_listener << arg.error().ToString();
  return arg.error().code() == code;
}

/// A fresh folder. It is removed with all its contents at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace yummy
