#pragma once
// A session: one DuckDB connection in the sandbox.

#include <memory>
#include <optional>
#include <string>

#include "yummy/duck/database.h"
#include "yummy/duck/engine/instance.h"
#include "yummy/duck/engine/session_parts.h"
#include "yummy/duck/guard/statement_guard.h"
#include "yummy/duck/session.h"

namespace yummy::duck {

class ConnectionSession final : public Session {
 public:
  static Result<std::unique_ptr<Session>> Open(std::shared_ptr<Database> database, std::shared_ptr<Instance> instance);

  Result<std::unique_ptr<QueryResult>> Query(const Context& context, std::string_view sql,
                                             const QueryOptions& options) override;
  Result<ChangeReport> Insert(const Context& context, delta::Transaction& transaction,
                              std::shared_ptr<arrow::RecordBatchReader> rows, const InsertOptions& options) override;

  /// For the tests of this module.
  SessionParts& parts() { return parts_; }

 private:
  ConnectionSession(std::shared_ptr<Database> database, std::shared_ptr<Instance> instance);

  Result<GuardedStatement> Guard(const Context& context, const std::string& sql, const QueryOptions& options);
  void UseStore(const std::string& store, const std::string& schema);

  SessionParts parts_;
  std::optional<std::pair<std::string, std::string>> search_path_;  // the store and schema that are set
};

}  // namespace yummy::duck
