#pragma once
// Finds how deep a statement nests, before a parser that recurses sees it.

#include <cstddef>
#include <optional>
#include <string_view>

namespace yummy::duck {

struct NestingLimits {
  size_t depth_max = 200;  // brackets within brackets
  size_t connectives_max =
      2000;  // AND, OR, UNION, INTERSECT, EXCEPT: the time of DuckDB's parser grows with the square of a chain
  size_t copied_max = 1 << 20;  // bytes of all copies of operands: CASE operand WHEN … makes one for each WHEN
};

struct NestingExcess {
  enum Kind { kDepth, kConnectives, kCopies };
  size_t position = 0;  // in bytes
  Kind kind = kDepth;
};

/// The place where the text passes a limit; absent if it passes none. Strings, quoted names, dollar-quoted strings and
/// comments do not count. Reads the text once, and never recurses.
std::optional<NestingExcess> FindExcess(std::string_view sql, const NestingLimits& limits);

}  // namespace yummy::duck
