#pragma once
// How deep a statement nests, found before any parser with a recursive part sees it.

#include <cstddef>
#include <optional>
#include <string_view>

namespace yummy::duck {

struct NestingLimits {
  size_t depth_max = 200;  // brackets within brackets
  size_t connectives_max =
      2000;  // AND, OR, UNION, INTERSECT, EXCEPT: DuckDB's parser takes time with the square of a chain
  size_t copied_max = 1 << 20;  // bytes that CASE operand WHEN … makes of its operands, one copy for each WHEN
};

struct NestingExcess {
  enum Kind { kDepth, kConnectives, kCopies };
  size_t position = 0;  // in bytes
  Kind kind = kDepth;
};

/// Where the text passes a limit; absent when it does not. What is in strings, quoted names, dollar-quoted strings and
/// comments does not count. Reads the text once; never recurses.
std::optional<NestingExcess> FindExcess(std::string_view sql, const NestingLimits& limits);

}  // namespace yummy::duck
