#pragma once
// What a session hands to its queries.

#include <memory>
#include <string_view>

#include "yummy/base/error.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/database.h"
#include "yummy/duck/engine/instance.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {

/// Of a session whose instance was retired: Internal, retryable.
Error RetiredError();

/// What a running query needs of its session.
struct SessionParts {
  std::shared_ptr<Database> database;
  std::shared_ptr<Instance> instance;
  duckdb::Connection connection;
  RequestState& request;

  SessionParts(std::shared_ptr<Database> owner, std::shared_ptr<Instance> on);
  ~SessionParts();
  SessionParts(const SessionParts&) = delete;
  SessionParts& operator=(const SessionParts&) = delete;

  /// What ended a statement, told as it is: an error that was kept, a deadline, a retired instance, else `data`.
  Error Explain(const duckdb::ErrorData& data, std::string_view sql);
  /// Ends whatever runs, and its transaction.
  void EndStatement();
};

}  // namespace yummy::duck
