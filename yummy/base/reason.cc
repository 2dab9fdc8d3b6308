#include "yummy/base/reason.h"

#include <array>
#include <cassert>

namespace yummy {

namespace {

struct Row {
  std::string_view name;
  int status;
};
constexpr std::array kRows = {Row{"", 0},
#define YUMMY_ROW(constant, name, status) Row{name, status},
                              YUMMY_REASONS(YUMMY_ROW)
#undef YUMMY_ROW
};

const Row& RowOf(Reason reason) {
  const auto index = static_cast<size_t>(reason);
  assert(index < kRows.size());
  return kRows[index];
}

}  // namespace

std::string_view ReasonName(Reason reason) { return RowOf(reason).name; }

int ReasonStatus(Reason reason) { return RowOf(reason).status; }

Reason ReasonOfName(std::string_view name) {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<Reason>(i);
  }
  return Reason::kNone;
}

}  // namespace yummy
