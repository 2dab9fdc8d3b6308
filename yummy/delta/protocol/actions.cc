#include "yummy/delta/protocol/actions.h"

namespace yummy::delta {

std::string DeletionVectorDescriptor::unique_id() const {
  std::string id(1, storage_type);
  id += path_or_inline;
  if (offset) {
    id += '@';
    id += std::to_string(*offset);
  }
  return id;
}

}  // namespace yummy::delta
