#include "yummy/duck/engine/instance.h"

#include <algorithm>
#include <utility>

#include <duckdb/main/valid_checker.hpp>
#include <fmt/format.h>

#include "yummy/base/random.h"
#include "yummy/duck/border/duck_path.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/border/text_bytes.h"
#include "yummy/duck/catalog/catalog.h"
#include "yummy/duck/file/file_system.h"
#include "yummy/duck/functions/bounded_functions.h"
#include "yummy/duck/guard/plan_guard.h"
#include "yummy/duck/guard/statement_guard.h"
#include "yummy/duck/optimizer/limit_hint.h"
#include "yummy/duck/optimizer/null_safe_comparison.h"
#include "yummy/duck/optimizer/opaque_expressions.h"
#include "yummy/duck/optimizer/pushed_filters.h"
#include "yummy/duck/optimizer/result_slices.h"

namespace yummy::duck {
namespace {

constexpr const char* kLibraryVersion = "v1.5.5";
// Bytes that are read ahead lie outside of DuckDB's memory. They take at most this fraction of its limit.
constexpr uint64_t kReadAheadMemoryShare = 16;

struct Setting {
  const char* name;
  std::string value;  // the value for SET, with its quotes
  std::string reads;  // the value that current_setting must show afterwards; empty: not compared
};

std::string Quoted(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (char c : text) quoted += c == quote ? std::string(2, quote) : std::string(1, c);
  return quoted + quote;
}

uint64_t MemoryBytes(const DatabaseOptions& options) {
  if (options.memory_max_bytes > 0) return options.memory_max_bytes;
  const auto machine = duckdb::FileSystem::GetAvailableMemory();
  return machine.IsValid() ? machine.GetIndex() / 10 * 6 : uint64_t{1} << 30;
}

// The settings of the lock, in their order. After enable_external_access is off, nothing more can be allowed; after the
// last line, nothing more can be set.
std::vector<Setting> Lock(const DatabaseOptions& options, const std::string& spill_folder) {
  return {
      {"threads", std::to_string(std::max<size_t>(options.threads, 1)),
       std::to_string(std::max<size_t>(options.threads, 1))},
      {"memory_limit", fmt::format("'{}B'", MemoryBytes(options)), ""},
      {"temp_directory", Quoted(spill_folder, '\''), spill_folder},
      {"max_temp_directory_size", fmt::format("'{}B'", options.temporary_max_bytes), ""},
      {"max_expression_depth", std::to_string(kExpressionDepthMax), std::to_string(kExpressionDepthMax)},
      {"parquet_metadata_cache", "true", "true"},
      {"TimeZone", "'UTC'", "UTC"},
      {"autoinstall_known_extensions", "false", "false"},
      {"autoload_known_extensions", "false", "false"},
      {"allow_community_extensions", "false", "false"},
      {"allow_persistent_secrets", "false", "false"},
      {"allowed_directories", fmt::format("['{}']", kScheme), ""},
      {"enable_external_access", "false", "false"},
      {"lock_configuration", "true", "true"},
  };
}

Result<std::string> Run(duckdb::Connection& connection, const std::string& sql) {
  auto result = connection.Query(sql);
  if (result->HasError()) {
    return Error(ErrorCode::kInternal,
                 fmt::format("DuckDB refused \"{}\": {}", sql, result->GetErrorObject().RawMessage()));
  }
  if (result->RowCount() == 0) return std::string();
  return result->GetValue(0, 0).ToString();
}

Result<void> LockDown(duckdb::Connection& connection, const DatabaseOptions& options, const std::string& spill_folder) {
  std::vector<Setting> lock = Lock(options, spill_folder);
  for (const Setting& setting : lock)
    TRY(Run(connection, fmt::format("SET GLOBAL {} = {}", setting.name, setting.value)));
  // DuckDB itself also allows the paths of attached databases, which are only numbers here, and the folder of temporary
  // files, which spilling needs. SQL cannot use these, because statement_guard.h refuses functions that read files by
  // name.
  auto& config = duckdb::DBConfig::GetConfig(*connection.context).options;
  config.allowed_paths.clear();
  if (config.allowed_directories.size() != 2 || !config.allowed_directories.contains(std::string(kScheme))) {
    return Error(ErrorCode::kInternal, "the lock of DuckDB does not hold: other folders than ours are open");
  }
  lock.push_back({"allow_unsigned_extensions", "", "false"});  // cannot be changed while DuckDB runs
  for (const Setting& setting : lock) {
    if (setting.reads.empty()) continue;
    std::string found = TRY(Run(connection, fmt::format("SELECT current_setting('{}')::VARCHAR", setting.name)));
    if (found != setting.reads) {
      return Error(ErrorCode::kInternal, fmt::format("the lock of DuckDB does not hold: {}, expected {}, found {}",
                                                     setting.name, setting.reads, found));
    }
  }
  auto probe = connection.Query("SET GLOBAL threads = 1");
  if (!probe->HasError())
    return Error(ErrorCode::kInternal, "the lock of DuckDB does not hold: settings can still be changed");
  return {};
}

}  // namespace

Result<std::shared_ptr<Instance>> Instance::Open(const DatabaseOptions& options, std::shared_ptr<const Lookup> lookup,
                                                 std::shared_ptr<RefusedFiles> refused_files) {
  if (LibraryVersion() != kLibraryVersion) {
    return Error(ErrorCode::kInternal,
                 fmt::format("another DuckDB library: expected {}, found {}", kLibraryVersion, LibraryVersion()));
  }
  return CatchErrors([&]() -> Result<std::shared_ptr<Instance>> {
    std::shared_ptr<Instance> instance(new Instance());
    instance->spill_folder_ = TRY(SpillFolder::Make(options.temporary_folder));
    instance->info_ = std::make_shared<InstanceInfo>();
    instance->info_->lookup = std::move(lookup);
    instance->info_->token = Random::System().Next();
    instance->info_->refused_files = std::move(refused_files);
    instance->info_->read_ahead = std::make_unique<fetch::ReadAheadPool>(
        std::min(fetch::ReadAheadPool::kBytesMax, MemoryBytes(options) / kReadAheadMemoryShare));

    duckdb::DBConfig config;
    config.SetOptionByName("allow_unsigned_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
    RegisterDeltaStorage(config, instance->info_);
    RegisterPlanGuard(config, instance->info_);
    RegisterNullSafeComparisons(config);
    RegisterOpaqueExpressions(config);
    RegisterPushedFilterCheck(config);
    RegisterLimitHints(config);
    RegisterResultSlices(config);  // last, because its operator is the root of the plan
    instance->database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    TRY(BoundFunctions(*instance->database_->instance));

    auto file_system = duckdb::make_uniq<ObjectStoreFileSystem>(*instance->info_);
    instance->info_->file_system = file_system.get();
    instance->database_->GetFileSystem().RegisterSubSystem(std::move(file_system));
    RegisterByteCasts(duckdb::DBConfig::GetConfig(*instance->database_->instance));
    // A name in FROM is a table, never a file.
    duckdb::DBConfig::GetConfig(*instance->database_->instance).replacement_scans.clear();

    duckdb::Connection connection(*instance->database_);
    TRY(instance->Attach(connection));
    TRY(LockDown(connection, options, instance->spill_folder_.path()));
    return instance;
  });
}

Instance::~Instance() {
  info_->read_ahead.reset();  // before DuckDB, because its threads use DuckDB's caches
  database_.reset();
}

Result<void> Instance::Attach(duckdb::Connection& connection) {
  for (size_t ordinal = 0; ordinal < info_->lookup->stores.size(); ++ordinal) {
    TRY(Run(connection, fmt::format("ATTACH '{}' AS {} (TYPE {})", ordinal, Quoted(info_->store(ordinal).name, '"'),
                                    kStorageType)));
  }
  return {};
}

bool Instance::invalidated() { return duckdb::ValidChecker::IsInvalidated(*database_->instance); }

void Instance::Retire() {
  if (retired_.exchange(true)) return;
  std::scoped_lock lock(mutex_);
  // Interrupt only sets a flag, so it may be called under the lock. The lock keeps the connections alive.
  for (duckdb::Connection* connection : connections_) connection->Interrupt();
}

void Instance::Register(duckdb::Connection& connection) {
  std::scoped_lock lock(mutex_);
  connections_.insert(&connection);
}

void Instance::Unregister(duckdb::Connection& connection) {
  std::scoped_lock lock(mutex_);
  connections_.erase(&connection);
}

}  // namespace yummy::duck
