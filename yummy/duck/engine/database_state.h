#pragma once
// The state of Database: the live instance, and objects that outlive it.

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

  /// The instance for new sessions. It is built if there is no healthy one.
  Result<std::shared_ptr<Instance>> LiveInstance();
  /// Takes the instance out of service, and refuses the file that invalidated it, if that is known.
  void Retire(Instance& instance, const std::optional<DataFile>& suspect);

  std::mutex mutex;
  std::shared_ptr<Instance> instance;  // guarded by mutex; shared: sessions keep a retired one alive until they end
  int generation = 0;                  // guarded by mutex
};

}  // namespace yummy::duck
