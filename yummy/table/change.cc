#include "yummy/table/change.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>

namespace yummy::table {

namespace {

constexpr int kAttemptsMax = 10;

bool LostARace(const Error& error) {
  return error.code() == ErrorCode::kConflict && error.reason() == Reason::kConcurrentModification;
}

std::string QuotedName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

// A line break ends a comment that the text may end with.
std::string WhereClause(const std::optional<std::string>& where) {
  return where ? fmt::format(" WHERE ({}\n)", *where) : std::string();
}

Result<duck::ChangeOutcome> Change(const Context& context, const Target& target, const std::string& sql) {
  duck::QueryOptions options;
  options.may_write = true;
  const auto result = TRY(RunStatement(context, target.session, sql, options));
  if (!result->outcome()) return Error(ErrorCode::kInternal, "the statement changed nothing");
  return *result->outcome();
}

std::string TableName(const Target& target) {
  return fmt::format("{}.{}.{}", QuotedName(target.store), QuotedName(target.schema), QuotedName(target.name));
}

}  // namespace

Result<std::unique_ptr<duck::QueryResult>> RunStatement(const Context& context, duck::Session& session,
                                                        std::string_view sql, const duck::QueryOptions& options) {
  for (int attempt = 1;; attempt++) {
    // A later attempt starts anew, so that the store is asked for the newest version again.
    const Context started =
        attempt == 1 ? context : Context(context.deadline(), context.stop_token(), context.request_id());
    auto result = session.Query(started, sql, options);
    if (result.ok() || !LostARace(result.error())) return result;
    if (attempt == kAttemptsMax) return std::move(result).error().WithReason(Reason::kSnapshotChanged);
  }
}

Result<duck::ChangeOutcome> Update::Run(const Context& context, const Target& target) const {
  if (set.empty()) {
    return Error(ErrorCode::kInvalidArgument, "an update needs at least one column to set")
        .WithReason(Reason::kInvalidParameter);
  }
  std::string sql = fmt::format("UPDATE {} SET ", TableName(target));
  for (const auto& [column, expression] : set) {
    if (&column != &set.front().first) sql += ", ";
    sql += fmt::format("{} = ({}\n)", QuotedName(column), expression);
  }
  return Change(context, target, sql + WhereClause(where));
}

Result<duck::ChangeOutcome> Delete::Run(const Context& context, const Target& target) const {
  return Change(context, target, fmt::format("DELETE FROM {}{}", TableName(target), WhereClause(where)));
}

}  // namespace yummy::table
