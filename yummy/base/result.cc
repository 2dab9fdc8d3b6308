#include "yummy/base/result.h"

#include <cstdio>
#include <cstdlib>

namespace yummy {

void FailMust(const char* expression, const Error& error) {
  std::fprintf(stderr, "fatal: MUST(%s) failed: %s\n", expression, error.ToString().c_str());
  std::abort();
}

}  // namespace yummy
