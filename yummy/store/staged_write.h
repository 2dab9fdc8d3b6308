#pragma once
// Writes of objects that nothing refers to yet: data files and deletion vectors before their commit.

#include "yummy/base/error.h"

namespace yummy::store {

/// The error of such a write. OutcomeUnknown is reserved for commits: without this object there will be no commit, so a
/// write whose outcome is unknown has simply failed, and is Unavailable.
Error StagedWriteError(Error error);

}  // namespace yummy::store
