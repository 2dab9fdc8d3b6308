#pragma once
// The parts of a session that its queries use.

#include <memory>
#include <string_view>

#include "yummy/base/error.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/database.h"
#include "yummy/duck/engine/instance.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {

/// The error of a session whose instance was retired: Internal, retryable.
Error RetiredError();

/// The parts of a session that a running query needs.
struct SessionParts {
  std::shared_ptr<Database> database;
  std::shared_ptr<Instance> instance;
  duckdb::Connection connection;
  RequestState& request;

  SessionParts(std::shared_ptr<Database> owner, std::shared_ptr<Instance> on);
  ~SessionParts();
  SessionParts(const SessionParts&) = delete;
  SessionParts& operator=(const SessionParts&) = delete;

  /// The real reason why a statement ended: a kept error, a deadline, a retired instance, otherwise `data`.
  Error Explain(const duckdb::ErrorData& data, std::string_view sql);
  /// Checks what the binder has made of a statement whose text the guard has passed: it reads and changes nothing but
  /// stores, and changes them only if the request may write. Errors: PermissionDenied (SQL_NOT_ALLOWED).
  Result<void> CheckProperties(const duckdb::StatementProperties& properties) const;
  /// Ends the running statement and its transaction.
  void EndStatement();
};

}  // namespace yummy::duck
