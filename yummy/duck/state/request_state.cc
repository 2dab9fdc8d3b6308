#include "yummy/duck/state/request_state.h"

#include <algorithm>
#include <utility>

namespace yummy::duck {

void RequestState::Start(Context context, std::vector<TablePin> pins) {
  Finish();
  stop_ = std::stop_source();
  on_stop_.emplace(context.stop_token(), [stop = stop_]() mutable { stop.request_stop(); });
  context_ = Context(context.deadline(), stop_.get_token(), context.request_id());
  pins_.Set(std::move(pins));
  reads_.emplace();
}

void RequestState::Finish() {
  on_stop_.reset();
  context_ = Context();
  untrusted_ = false;
  may_write_ = false;
  outcome_ = {};
  hides_joins_ = false;
  pins_.Set({});
  write_permits_.Clear();
  read_aheads_.Clear();
  files_in_use_.Clear();
  reads_.reset();
  std::scoped_lock lock(mutex_);
  error_.reset();
}

void RequestState::NoteRead(TableRead read) {
  if (!reads_) return;
  const bool known = std::any_of(reads_->begin(), reads_->end(), [&](const TableRead& other) {
    return other.snapshot == read.snapshot && other.table == read.table && other.schema == read.schema &&
           other.store == read.store;
  });
  if (!known) reads_->push_back(std::move(read));
}

duckdb::RebindQueryInfo RequestState::OnPlanningError(duckdb::ClientContext&, duckdb::SQLStatement&,
                                                      duckdb::ErrorData& error) {
  if (error.Type() != duckdb::ExceptionType::INTERNAL) return duckdb::RebindQueryInfo::DO_NOT_REBIND;
  hides_joins_ = true;
  return duckdb::RebindQueryInfo::ATTEMPT_TO_REBIND;
}

void RequestState::KeepError(Error error) {
  std::scoped_lock lock(mutex_);
  error_ = std::move(error);
}

std::optional<Error> RequestState::TakeError() {
  std::scoped_lock lock(mutex_);
  return std::exchange(error_, std::nullopt);
}

RequestState& RequestOf(duckdb::ClientContext& context) {
  // The map of states keeps the object alive as long as the context.
  return *context.registered_state->GetOrCreate<RequestState>(RequestState::kKey);
}

}  // namespace yummy::duck
