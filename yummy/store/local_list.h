#pragma once
// Lists folders of the local store the way an object store does: by prefix, sorted, page by page.

#include <string_view>

#include "yummy/base/context.h"
#include "yummy/base/result.h"
#include "yummy/store/local_file.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// Does the work of ObjectStore::List below `root`. The caller has checked `prefix`.
Result<ListPage> ListFolders(const Context& context, const Descriptor& root, std::string_view prefix,
                             const ListOptions& options);

}  // namespace yummy::store
