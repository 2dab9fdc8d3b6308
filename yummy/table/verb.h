#pragma once
// What every verb on one table has. A verb is a struct of its options with
//   using Report = …;                      what it answers
//   static constexpr bool kMakesTable;     whether the table may be absent when the verb begins
//   Result<Report> Run(const Context&, const Target&) const;

#include <string>

#include "yummy/delta/commit/table.h"
#include "yummy/duck/session.h"

namespace yummy::table {

/// The table that a verb works on, and a session of the engine for its rows.
struct Target {
  delta::Table& table;
  duck::Session& session;
  std::string store = {};  // its names in SQL
  std::string schema = {};
  std::string name = {};
};

}  // namespace yummy::table
