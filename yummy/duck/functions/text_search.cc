#include "yummy/duck/functions/text_search.h"

#include <algorithm>
#include <cstring>

#include <duckdb/common/vector_operations/binary_executor.hpp>

#include "yummy/duck/functions/scalar_call.h"

namespace duckdb {
// Declared in string_common.hpp, which includes a header that is not part of the library's package.
idx_t FindStrInStr(const string_t& haystack_s, const string_t& needle_s);
}  // namespace duckdb

namespace yummy::duck {
namespace {

using duckdb::string_t;

size_t Find(const string_t& text, const string_t& part, duckdb::ExpressionState& state) {
  if (part.GetSize() <= kShortPartBytes) {
    const auto found = duckdb::FindStrInStr(text, part);
    return found == duckdb::DConstants::INVALID_INDEX ? std::string_view::npos : found;
  }
  CheckInterrupt(state);
  return FindPart(View(text), View(part));
}

void Contains(duckdb::DataChunk& rows, duckdb::ExpressionState& state, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<string_t, string_t, bool>(
      rows.data[0], rows.data[1], result, rows.size(),
      [&](const string_t& text, const string_t& part) { return Find(text, part, state) != std::string_view::npos; });
}

// Counts characters from one.
void Position(duckdb::DataChunk& rows, duckdb::ExpressionState& state, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<string_t, string_t, int64_t>(
      rows.data[0], rows.data[1], result, rows.size(), [&](const string_t& text, const string_t& part) {
        const size_t at = Find(text, part, state);
        if (at == std::string_view::npos) return int64_t{0};
        const std::string_view before = View(text).substr(0, at);
        return std::ranges::count_if(before, [](char c) { return (c & 0xC0) != 0x80; }) + int64_t{1};
      });
}

}  // namespace

size_t FindPart(std::string_view text, std::string_view part) {
  const void* found = memmem(text.data(), text.size(), part.data(), part.size());
  return found == nullptr ? std::string_view::npos : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

void ReplaceSearch(duckdb::ScalarFunction& function) {
  const bool is_position = function.name == "instr" || function.name == "position" || function.name == "strpos";
  if (!is_position && function.name != "contains") return;
  if (function.arguments.empty() || function.arguments.front().id() != duckdb::LogicalTypeId::VARCHAR) return;
  // This callback would replace the function by another one for columns with ASCII only.
  function.statistics = nullptr;
  function.function = is_position ? Position : Contains;
}

void KeepLongSearch(duckdb::BoundFunctionExpression& call, std::string_view pattern) {
  const std::string& name = call.function.name;
  const bool is_search = name == "regexp_matches" || ((name == "~~" || name == "!~~") && pattern.starts_with('%'));
  // The optimiser finds the functions to replace by their names.
  if (is_search && pattern.size() > kShortPartBytes) call.function.name = "long " + name;
}

}  // namespace yummy::duck
