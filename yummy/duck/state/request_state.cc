#include "yummy/duck/state/request_state.h"

#include <algorithm>
#include <utility>

#include "yummy/delta/commit/table.h"

namespace yummy::duck {

void RequestState::Start(Context context, std::vector<TablePin> pins) {
  Finish();
  stop_ = std::stop_source();
  on_stop_.emplace(context.stop_token(), [stop = stop_]() mutable { stop.request_stop(); });
  context_ = Context(context.deadline(), stop_.get_token(), context.request_id());
  pins_ = std::move(pins);
  reads_.emplace();
}

void RequestState::Finish() {
  on_stop_.reset();
  context_ = Context();
  untrusted_ = false;
  hides_joins_ = false;
  pins_.clear();
  reads_.reset();
  std::scoped_lock lock(mutex_);
  writes_.clear();
  error_.reset();
  open_files_.clear();
  suspect_.reset();
  read_aheads_.clear();
}

const TablePin* RequestState::FindPin(std::string_view store, std::string_view schema, std::string_view table) const {
  const auto found = std::find_if(pins_.begin(), pins_.end(), [&](const TablePin& pin) {
    return pin.store == store && pin.schema == schema && pin.table == table;
  });
  return found == pins_.end() ? nullptr : &*found;
}

const TablePin* RequestState::FindPinOf(std::string_view store, const delta::Table& table) const {
  const auto found = std::find_if(pins_.begin(), pins_.end(), [&](const TablePin& pin) {
    return pin.store == store && pin.snapshot->table_path() == table.path();
  });
  return found == pins_.end() ? nullptr : &*found;
}

void RequestState::NoteRead(TableRead read) {
  if (!reads_) return;
  const bool known = std::any_of(reads_->begin(), reads_->end(), [&](const TableRead& other) {
    return other.snapshot == read.snapshot && other.table == read.table && other.schema == read.schema &&
           other.store == read.store;
  });
  if (!known) reads_->push_back(std::move(read));
}

void RequestState::AllowWrite(std::string path, std::function<void(const std::string&)> on_open) {
  std::scoped_lock lock(mutex_);
  writes_.push_back({std::move(path), std::move(on_open)});
}

bool RequestState::BeginWrite(const std::string& path, const std::string& store_path) {
  std::function<void(const std::string&)> on_open;
  {
    std::scoped_lock lock(mutex_);
    auto found = std::find_if(writes_.begin(), writes_.end(), [&](const WritePermission& write) {
      return write.path.ends_with('/') ? path.starts_with(write.path) && path.size() > write.path.size()
                                       : path == write.path;
    });
    if (found == writes_.end()) return false;
    on_open = found->on_open;
  }
  if (on_open) on_open(store_path);
  return true;
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

void RequestState::AddReadAhead(const void* scan, std::weak_ptr<fetch::ReadAhead> read_ahead) {
  std::scoped_lock lock(mutex_);
  read_aheads_.emplace_back(scan, std::move(read_ahead));
}

std::optional<uint64_t> RequestState::ReadAheadNumber(const void* scan) const {
  std::scoped_lock lock(mutex_);
  // From the last one: the memory of a scan that is over may have become another's.
  for (size_t i = read_aheads_.size(); i > 0; i--) {
    if (read_aheads_[i - 1].first == scan) return i - 1;
  }
  return std::nullopt;
}

std::shared_ptr<fetch::ReadAhead> RequestState::FindReadAhead(uint64_t number) const {
  std::scoped_lock lock(mutex_);
  return number < read_aheads_.size() ? read_aheads_[number].second.lock() : nullptr;
}

void RequestState::NoteFile(const DataFile& file) {
  std::scoped_lock lock(mutex_);
  DataFile& noted = open_files_[std::this_thread::get_id()];
  if (noted.path != file.path) noted = file;
}

void RequestState::AcquitFile() {
  std::scoped_lock lock(mutex_);
  open_files_.erase(std::this_thread::get_id());
}

void RequestState::SuspectFile() {
  std::scoped_lock lock(mutex_);
  auto found = open_files_.find(std::this_thread::get_id());
  if (found != open_files_.end() && !suspect_) suspect_ = found->second;
}

std::optional<DataFile> RequestState::suspect() const {
  std::scoped_lock lock(mutex_);
  return suspect_;
}

RequestState& RequestOf(duckdb::ClientContext& context) {
  // The map of states keeps the object alive as long as the context.
  return *context.registered_state->GetOrCreate<RequestState>(RequestState::kKey);
}

}  // namespace yummy::duck
