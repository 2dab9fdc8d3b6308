#pragma once
// Listing folders of the local store as an object store lists: by prefix, sorted, page by page.

#include <string_view>

#include "yummy/base/context.h"
#include "yummy/base/result.h"
#include "yummy/store/local_file.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// ObjectStore::List below `root`; `prefix` has been checked.
Result<ListPage> ListFolders(const Context& context, const Descriptor& root, std::string_view prefix,
                             const ListOptions& options);

}  // namespace yummy::store
