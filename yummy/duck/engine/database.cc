#include "yummy/duck/database.h"

#include <utility>

#include <fmt/format.h>

#include "yummy/base/logging.h"
#include "yummy/duck/engine/connection_session.h"
#include "yummy/duck/engine/database_state.h"
#include "yummy/duck/engine/spill_folder.h"

namespace yummy::duck {

Database::Database() : state_(std::make_unique<State>()) {}

Database::~Database() = default;

Result<std::shared_ptr<Database>> Database::Open(DatabaseOptions options, Lookup lookup) {
  std::shared_ptr<Database> database(new Database());
  State& state = *database->state_;
  state.options = std::move(options);
  state.lookup = std::make_shared<const Lookup>(std::move(lookup));
  state.refused_files = std::make_shared<RefusedFiles>();
  SweepSpillFolders(state.options.temporary_folder);
  TRY(state.LiveInstance());
  return database;
}

Result<std::unique_ptr<Session>> Database::Connect() {
  auto instance = TRY(state_->LiveInstance());
  return ConnectionSession::Open(shared_from_this(), std::move(instance));
}

int Database::generation() const {
  std::scoped_lock lock(state_->mutex);
  return state_->generation;
}

Result<std::shared_ptr<Instance>> Database::State::LiveInstance() {
  // The lock is held while an instance is built, so callers that come meanwhile wait for it.
  std::scoped_lock lock(mutex);
  if (instance && instance->invalidated()) instance->Retire();
  if (instance && !instance->retired()) return instance;
  instance = TRY(Instance::Open(options, lookup, refused_files));
  ++generation;
  return instance;
}

void Database::State::Retire(Instance& retiring, const std::optional<DataFile>& suspect) {
  if (suspect) refused_files->Refuse(suspect->path, suspect->size_bytes);
  if (!retiring.retired()) {
    Log(LogLevel::kError, "a DuckDB instance is retired after an internal error{}",
        suspect ? fmt::format("; refused from now on: {}", suspect->path) : "");
  }
  retiring.Retire();
}

std::string LibraryVersion() { return duckdb::DuckDB::LibraryVersion(); }

}  // namespace yummy::duck
