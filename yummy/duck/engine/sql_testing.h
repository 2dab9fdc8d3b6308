#pragma once
// Runs SQL on a database without tables, for tests of functions.

#include <initializer_list>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "yummy/base/context.h"
#include "yummy/base/result.h"
#include "yummy/duck/session.h"

namespace yummy::duck {

struct SqlCase {
  const char* sql;
  const char* value;  // the expected first value, as text
};

class SqlTest : public testing::Test {
 protected:
  void SetUp() override;

  /// The first value, as text, or the error.
  Result<std::string> Value(const std::string& sql, const Context& context = {});

  /// Expects that each statement gives its value.
  void ExpectValues(std::initializer_list<SqlCase> cases);

  std::unique_ptr<Session> session_;
};

}  // namespace yummy::duck
