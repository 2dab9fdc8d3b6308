#pragma once
// The conformance suite: tests of the promises of object_store.h. Every store passes them.
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
//                            ::testing::Values(StoreSetup{.name = "Memory", .make = MakeMemoryStore}),
//                            StoreSetup::Name);

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "yummy/base/clock.h"
#include "yummy/base/context.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// A kind of store to test. Its name consists of letters and digits.
struct StoreSetup {
  std::string name;
  /// Makes an empty store; called once per test. The folder or clock that the store needs lives as long as the result.
  std::function<std::shared_ptr<ObjectStore>()> make;
  bool is_remote = false;  // requests are slow, so random tests run fewer rounds
  bool has_folders =
      false;  // it has real folders: it sorts by them and keeps empty ones, so lists across folders break the promise

  static std::string Name(const ::testing::TestParamInfo<StoreSetup>& info) { return info.param.name; }
};

class StoreConformance : public ::testing::TestWithParam<StoreSetup> {
 public:
  ~StoreConformance() override;  // out of line: it makes the linker take the tests from the library

 protected:
  StoreConformance();

  ObjectStore& store() { return *store_; }
  /// Puts an object; a failure ends the test program.
  ObjectMeta Put(std::string_view path, std::string_view bytes = "x", PutMode mode = PutMode::kOverwrite);
  /// The paths of all objects, in the order of the list.
  std::vector<std::string> AllPaths();

  const Context context_;

 private:
  const std::shared_ptr<ObjectStore> store_;
};

/// A store in a fresh folder, removed with the last owner of the result.
std::shared_ptr<ObjectStore> MakeTemporaryLocalStore();

/// A store in memory with the machine's clock.
std::shared_ptr<ObjectStore> MakeMemoryStore();

/// A store in the cloud that tools/stores.py runs.
struct RunningStore {
  std::string name;
  std::string root;  // "s3://yummy"
  std::map<std::string, std::string> storage_options;
  bool is_safe_for_commits = true;  // it honours the condition of a put
};

/// The stores in the file that YUMMY_STORES names. Without the variable there are none.
std::vector<RunningStore> RunningStores();

/// An empty place in a running store that no other test uses.
std::shared_ptr<ObjectStore> MakeEmptyStore(const RunningStore& running);

/// The running store that YUMMY_TEST_STORES names. Tests of modules above `store` use it, or a store in memory if it is
/// absent.
const std::optional<RunningStore>& StoreOfTests();

/// An empty store for tests of modules above `store`. A store in memory uses `clock`; others have clocks of their own.
std::shared_ptr<ObjectStore> MakeTestStore(const Clock& clock = Clock::System());

}  // namespace yummy::store
