#include "yummy/duck/database.h"

#include <unistd.h>

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/log.h"
#include "yummy/base/random.h"
#include "yummy/duck/connection_session.h"
#include "yummy/duck/database_state.h"

namespace yummy::duck {
namespace {

Result<std::string> MakeTemporaryFolder(const std::string& parent) {
  std::error_code error;
  std::filesystem::path base =
      parent.empty() ? std::filesystem::temp_directory_path(error) : std::filesystem::path(parent);
  std::filesystem::path folder =
      base / fmt::format("yummy-spill-{}-{}", ::getpid(), Random::System().Uuid().substr(0, 8));
  if (!error) std::filesystem::create_directories(folder, error);
  if (error) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("cannot make a folder for spilling: {}: {}", folder.string(), error.message()));
  }
  // What queries spill is as private as the tables.
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  return folder.string();
}

}  // namespace

Database::Database() : state_(std::make_unique<State>()) {}

Database::~Database() = default;

Result<std::shared_ptr<Database>> Database::Open(DatabaseOptions options, Lookup lookup) {
  std::shared_ptr<Database> database(new Database());
  State& state = *database->state_;
  state.options = std::move(options);
  state.lookup = std::make_shared<const Lookup>(std::move(lookup));
  state.refused_files = std::make_shared<RefusedFiles>();
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
  // Held while an instance is built: who comes in the meantime waits for it.
  std::scoped_lock lock(mutex);
  if (instance && instance->invalidated()) instance->Retire();
  if (instance && !instance->retired()) return instance;
  DatabaseOptions own = options;
  own.temporary_folder = TRY(MakeTemporaryFolder(options.temporary_folder));
  instance = TRY(Instance::Open(own, lookup, refused_files));
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
