#pragma once
// Opens the configured stores. In front of a store across a network stand a probe, limits and caches.

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
  /// Opens every store. Errors: those of store::OpenStore, with the name of the store; InvalidArgument (other users can
  /// write to the folder of the cache).
  static Result<Stores> Open(const Config& config);

  /// The store of this name, ignoring case if only one fits. Errors: NotFound (STORE_NOT_FOUND).
  Result<const Store*> Find(const std::string& name) const;
  /// All stores by their names.
  const std::map<std::string, Store>& all() const { return stores_; }
  bool any_is_far() const;

 private:
  std::map<std::string, Store> stores_;
};

}  // namespace yummy::lake
