#pragma once
// The conformance suite: what object_store.h promises, as tests that every store passes.
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

/// A kind of store to be tested. Its name consists of letters and digits.
struct StoreSetup {
  std::string name;
  /// Makes an empty store, once a test. What the store needs (a folder, a clock) lives as long as the result.
  std::function<std::shared_ptr<ObjectStore>()> make;
  bool is_remote = false;  // each request costs: what is random is tried less often
  bool has_folders =
      false;  // it sorts by them, and keeps those that are empty: lists across folders are not as promised

  static std::string Name(const ::testing::TestParamInfo<StoreSetup>& info) { return info.param.name; }
};

class StoreConformance : public ::testing::TestWithParam<StoreSetup> {
 public:
  ~StoreConformance() override;  // out of line: it makes the linker take the tests from the library

 protected:
  StoreConformance();

  ObjectStore& store() { return *store_; }
  /// Puts an object that must not fail to be put.
  ObjectMeta Put(std::string_view path, std::string_view bytes = "x", PutMode mode = PutMode::kOverwrite);
  /// The paths of all objects, in the order of the list.
  std::vector<std::string> AllPaths();

  const Context context_;

 private:
  const std::shared_ptr<ObjectStore> store_;
};

/// A store in a fresh folder, removed with the last owner of the result.
std::shared_ptr<ObjectStore> MakeTemporaryLocalStore();

/// A store in memory, by the machine's clock.
std::shared_ptr<ObjectStore> MakeMemoryStore();

/// A store in the cloud that tools/stores.py runs.
struct RunningStore {
  std::string name;
  std::string root;  // "s3://yummy"
  std::map<std::string, std::string> storage_options;
  bool is_safe_for_commits = true;  // it heeds the condition of a put
};

/// Those that the file named by YUMMY_STORES tells of; none without it.
std::vector<RunningStore> RunningStores();

/// A place in a running store that is empty and no one else's.
std::shared_ptr<ObjectStore> MakeEmptyStore(const RunningStore& running);

/// The running store that YUMMY_TEST_STORES names: tests of what is built on stores use it. Absent: they use one in
/// memory.
const std::optional<RunningStore>& StoreOfTests();

/// An empty store for a test of what is built on stores. `clock` is that of a store in memory; others have their own.
std::shared_ptr<ObjectStore> MakeTestStore(const Clock& clock = Clock::System());

}  // namespace yummy::store
