#include "yummy/duck/functions/like.h"

#include <algorithm>
#include <string>
#include <utility>

#include <duckdb/common/vector_operations/binary_executor.hpp>

#include "yummy/duck/border/row_bytes.h"
#include "yummy/duck/functions/scalar_call.h"
#include "yummy/duck/functions/text_search.h"

namespace duckdb {
// Declared in string_common.hpp, which includes a header that is not part of the library's package.
idx_t LowerLength(const char* input_data, idx_t input_length);
void LowerCase(const char* input_data, idx_t input_length, char* result_data);
}  // namespace duckdb

namespace yummy::duck {
namespace {

using duckdb::string_t;

size_t NextCharacter(std::string_view text, size_t at) {
  do at++;
  while (at < text.size() && (text[at] & 0xC0) == 0x80);
  return at;
}

struct Kind {
  std::string_view name;
  bool is_negated;
  bool ignores_case;
};

constexpr Kind kKinds[] = {
    {"~~", false, false},          {"!~~", true, false},
    {"~~*", false, true},          {"!~~*", true, true},
    {"like_escape", false, false}, {"not_like_escape", true, false},
    {"ilike_escape", false, true}, {"not_ilike_escape", true, true},
};

// Gives a text in the form in which ILIKE compares it. The result is valid until the next call.
class Lowered {
 public:
  std::string_view operator()(std::string_view text) {
    lowered_.resize(duckdb::LowerLength(text.data(), text.size()));
    duckdb::LowerCase(text.data(), text.size(), lowered_.data());
    return lowered_;
  }

 private:
  std::string lowered_;
};

std::optional<char> Escape(std::string_view text) {
  if (text.size() > 1)
    throw duckdb::SyntaxException("Invalid escape string. Escape string must be empty or one character.");
  return text.empty() ? '\0' : text.front();
}

// A call for a batch of rows.
class LikeCall {
 public:
  LikeCall(const Kind& kind, duckdb::ExpressionState& state) : kind_(kind), state_(state) {}

  bool operator()(std::string_view text, std::string_view pattern, std::optional<char> escape) {
    const auto tick = [&] { CheckInterrupt(state_); };
    if (!kind_.ignores_case) return IsLike(text, pattern, escape, tick) != kind_.is_negated;
    // Most rows have the same pattern, so its lowered form is kept.
    if (pattern_ != pattern) lowered_pattern_ = lower_pattern_(pattern_ = pattern);
    return IsLike(lower_text_(text), lowered_pattern_, escape, tick) != kind_.is_negated;
  }

 private:
  const Kind& kind_;
  duckdb::ExpressionState& state_;
  std::string pattern_;
  std::string_view lowered_pattern_;
  Lowered lower_pattern_;
  Lowered lower_text_;
};

void Like(const Kind& kind, duckdb::DataChunk& rows, duckdb::ExpressionState& state, duckdb::Vector& result) {
  LikeCall call(kind, state);
  if (rows.ColumnCount() == 2) {
    duckdb::BinaryExecutor::Execute<string_t, string_t, bool>(
        rows.data[0], rows.data[1], result, rows.size(),
        [&](string_t text, string_t pattern) { return call(View(text), View(pattern), std::nullopt); });
    return;
  }
  duckdb::TernaryExecutor::Execute<string_t, string_t, string_t, bool>(
      rows.data[0], rows.data[1], rows.data[2], result, rows.size(),
      [&](string_t text, string_t pattern, string_t escape) {
        return call(View(text), View(pattern), Escape(View(escape)));
      });
}

// True if DuckDB's prepared pattern is fast: it takes one step per byte if its parts are short. Longer patterns are
// fast if all texts together are short.
bool IsQuick(duckdb::DataChunk& rows) {
  constexpr uint64_t kStepsMax = 1 << 24;
  duckdb::UnifiedVectorFormat patterns;
  rows.data[1].ToUnifiedFormat(rows.size(), patterns);
  const auto pattern = patterns.sel->get_index(0);
  if (rows.size() == 0 || !patterns.validity.RowIsValid(pattern)) return true;
  const uint64_t pattern_size = duckdb::UnifiedVectorFormat::GetData<string_t>(patterns)[pattern].GetSize();
  if (pattern_size <= kShortPartBytes) return true;
  return TotalTextBytes(rows.data[0], rows.size()) <= kStepsMax * kShortPartBytes / pattern_size;
}

}  // namespace

bool IsLike(std::string_view text, std::string_view pattern, std::optional<char> escape,
            const std::function<void()>& tick) {
  constexpr size_t kStepsPerTick = 1 << 20;
  size_t steps = 0;
  size_t at = 0;
  size_t next = 0;             // in the pattern
  std::optional<size_t> part;  // position in the pattern after the last `%`
  size_t part_at = 0;          // position in the text at which that part is tried
  const auto try_part = [&](size_t from) {
    const char first = pattern[*part];
    const bool is_letter = first != '_' && first != escape;
    part_at = is_letter ? std::min(text.find(first, from), text.size()) : from;
    at = part_at;
    next = *part;
  };
  while (at < text.size()) {
    if (++steps % kStepsPerTick == 0) tick();
    const std::optional<char> wanted = next < pattern.size() ? std::optional(pattern[next]) : std::nullopt;
    const bool is_escape = wanted && wanted == escape;
    if (is_escape && next + 1 == pattern.size())
      throw duckdb::SyntaxException("Like pattern must not end with escape character!");
    if (!is_escape && wanted == '%') {
      part = pattern.find_first_not_of('%', next);
      if (*part == std::string_view::npos) return true;
      try_part(at);
    } else if (!is_escape && wanted == '_') {
      next++;
      at = NextCharacter(text, at);
    } else if (wanted && pattern[next + (is_escape ? 1 : 0)] == text[at]) {
      next += is_escape ? 2 : 1;
      at++;
    } else if (part) {
      try_part(part_at + 1);
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('%', next) == std::string_view::npos;
}

void ReplaceLike(duckdb::ScalarFunction& function) {
  const auto* const kind = std::ranges::find(kKinds, std::string_view(function.name), &Kind::name);
  if (kind == std::end(kKinds)) return;
  // This callback would replace the function by another one for columns with ASCII only.
  function.statistics = nullptr;
  function.function = [kind, prepared = std::move(function.function)](
                          duckdb::DataChunk& rows, duckdb::ExpressionState& state, duckdb::Vector& result) {
    const bool is_prepared = state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info != nullptr;
    return is_prepared && IsQuick(rows) ? prepared(rows, state, result) : Like(*kind, rows, state, result);
  };
}

}  // namespace yummy::duck
