#pragma once
// The configured stores, opened. Those across a network get a probe, limits and caches before them.

#include <map>
#include <memory>
#include <string>

#include "yummy/base/result.h"
#include "yummy/lake/config.h"
#include "yummy/store/object_store.h"

namespace yummy::lake {

struct Store {
  StoreConfig config;
  std::shared_ptr<store::ObjectStore> object_store;
};

class Stores {
 public:
  /// Opens every store. Errors: those of store::OpenStore, the store named; InvalidArgument (a folder for caches that
  /// others could write to).
  static Result<Stores> Open(const Config& config);

  /// The store of this name; ignoring case when only one fits. Errors: NotFound (STORE_NOT_FOUND).
  Result<const Store*> Find(const std::string& name) const;
  /// By name.
  const std::map<std::string, Store>& all() const { return stores_; }
  bool any_is_far() const;

 private:
  std::map<std::string, Store> stores_;
};

}  // namespace yummy::lake
