#pragma once
// The versions of tables that a statement must read.

#include <string_view>
#include <utility>
#include <vector>

#include "yummy/duck/session.h"

namespace yummy::duck {

/// Set before a statement; it does not change while the statement runs.
class TablePins {
 public:
  void Set(std::vector<TablePin> pins) { pins_ = std::move(pins); }

  /// The pin of a table by its names as they are written; null if there is none.
  const TablePin* Find(std::string_view store, std::string_view schema, std::string_view table) const;
  /// The pin of a table that was found by other names, for example in another case; null if there is none.
  const TablePin* FindOf(std::string_view store, const delta::Table& table) const;

 private:
  std::vector<TablePin> pins_;
};

}  // namespace yummy::duck
