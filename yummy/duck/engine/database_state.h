#pragma once
// The inside of Database: the live instance and what outlives it.

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

#include "yummy/duck/database.h"
#include "yummy/duck/engine/instance.h"
#include "yummy/duck/state/request_state.h"
#include "yummy/duck/state/watchdog.h"

namespace yummy::duck {

struct Database::State {
  DatabaseOptions options;
  std::shared_ptr<const Lookup> lookup;
  std::shared_ptr<RefusedFiles> refused_files;  // shared: with every instance
  Watchdog watchdog;

  /// The instance for new sessions; built when there is none that is well.
  Result<std::shared_ptr<Instance>> LiveInstance();
  /// Takes the instance out of service and refuses the file that brought it down, if one is known.
  void Retire(Instance& instance, const std::optional<DataFile>& suspect);

  std::mutex mutex;
  std::shared_ptr<Instance> instance;  // guarded by mutex; shared: sessions keep a retired one alive until they end
  int generation = 0;                  // guarded by mutex
};

}  // namespace yummy::duck
