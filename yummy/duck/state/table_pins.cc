#include "yummy/duck/state/table_pins.h"

#include <algorithm>

#include "yummy/delta/commit/table.h"

namespace yummy::duck {

const TablePin* TablePins::Find(std::string_view store, std::string_view schema, std::string_view table) const {
  const auto found = std::find_if(pins_.begin(), pins_.end(), [&](const TablePin& pin) {
    return pin.store == store && pin.schema == schema && pin.table == table;
  });
  return found == pins_.end() ? nullptr : &*found;
}

const TablePin* TablePins::FindOf(std::string_view store, const delta::Table& table) const {
  const auto found = std::find_if(pins_.begin(), pins_.end(), [&](const TablePin& pin) {
    return pin.store == store && pin.snapshot->table_path() == table.path();
  });
  return found == pins_.end() ? nullptr : &*found;
}

}  // namespace yummy::duck
