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
};

struct NestingExcess {
  size_t position = 0;    // in bytes
  bool too_deep = false;  // else too many connectives
};

/// Where the text passes a limit; absent when it does not. What is in strings, quoted names, dollar-quoted strings and comments
/// does not count. Reads the text once; never recurses.
std::optional<NestingExcess> FindExcess(std::string_view sql, const NestingLimits& limits);

}  // namespace yummy::duck
