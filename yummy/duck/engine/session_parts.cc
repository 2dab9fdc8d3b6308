#include "yummy/duck/engine/session_parts.h"

#include <utility>

#include <fmt/format.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/engine/database_state.h"

namespace yummy::duck {

Error RetiredError() {
  return Error(ErrorCode::kInternal, "the query engine was restarted after an internal error while this query ran")
      .With("retryable", "true");
}

SessionParts::SessionParts(std::shared_ptr<Database> owner, std::shared_ptr<Instance> on)
    : database(std::move(owner)),
      instance(std::move(on)),
      connection(instance->database()),
      request(RequestOf(*connection.context)) {
  connection.context->config.use_replacement_scans = false;
  instance->Register(connection);
}

SessionParts::~SessionParts() { instance->Unregister(connection); }

Error SessionParts::Explain(const duckdb::ErrorData& data, std::string_view sql) {
  if (auto kept = request.TakeError()) return *std::move(kept);
  if (InvalidatesInstance(data) && instance->invalidated()) {
    database->state().Retire(*instance, request.files_in_use().suspect());
    return ToError(data).Prefixed("internal error of the query engine").With("retryable", "true");
  }
  if (instance->retired()) return RetiredError();
  if (data.Type() == duckdb::ExceptionType::INTERRUPT) {
    auto checked = request.context().Check();
    if (!checked.ok()) return std::move(checked).error();
  }
  return ToError(data, sql);
}

Result<void> SessionParts::CheckProperties(const duckdb::StatementProperties& properties) const {
  const auto refused = [](std::string message) {
    return Error(ErrorCode::kPermissionDenied, std::move(message)).WithReason(Reason::kSqlNotAllowed);
  };
  for (const auto& [name, identity] : properties.read_databases) {
    if (!instance->info().IsStore(name)) return refused(fmt::format("{} cannot be read", name));
  }
  for (const auto& [name, modified] : properties.modified_databases) {
    if (!request.may_write()) return refused("the statement is not a query");
    if (!instance->info().IsStore(name)) return refused(fmt::format("{} cannot be changed", name));
  }
  return {};
}

void SessionParts::EndStatement() {
  // Waits for the query's tasks, which an interrupt has told to stop, and rolls its transaction back.
  connection.context->Destroy();
  request.Finish();
}

}  // namespace yummy::duck
