#include "yummy/duck/change/constraint_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/text.h"
#include "yummy/base/time_text.h"

namespace yummy::duck {

using delta::TypeKind;

/// A column or nested field that has a constraint, or contains one.
struct ConstraintCheck::Node {
  std::string path;
  TypeKind kind = TypeKind::kVoid;
  bool not_null = false;
  bool must_be_utf8 = false;                    // binary partition columns
  duckdb::idx_t index = 0;                      // its position in the table or in the struct above
  std::vector<std::unique_ptr<Node>> children;  // struct: fields; array: the element; map: the value (index 1)
};

namespace {

using Node = ConstraintCheck::Node;

bool HoldsUnstorable(const Node& node) {
  switch (node.kind) {
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
    case TypeKind::kVoid: return true;
    default: return node.must_be_utf8;
  }
}

std::unique_ptr<Node> MakeNode(const delta::DataType& type, bool nullable, std::string path, duckdb::idx_t index,
                               bool is_partition = false) {
  auto node = std::make_unique<Node>();
  node->kind = type.kind;
  node->not_null = !nullable;
  node->index = index;
  node->must_be_utf8 = is_partition && type.kind == TypeKind::kBinary;
  const auto add = [&](const delta::DataType& child, bool child_nullable, const std::string& name,
                       duckdb::idx_t child_index) {
    if (auto made = MakeNode(child, child_nullable, path + "." + name, child_index))
      node->children.push_back(std::move(made));
  };
  if (type.kind == TypeKind::kStruct) {
    for (size_t i = 0; i < type.fields.size(); i++)
      add(type.fields[i].type, type.fields[i].nullable, type.fields[i].name, i);
  } else if (type.kind == TypeKind::kArray) {
    add(type.children[0], type.contains_null, "element", 0);
  } else if (type.kind == TypeKind::kMap) {
    add(type.children[0], false, "key", 0);
    add(type.children[1], type.contains_null, "value", 1);
  }
  node->path = std::move(path);
  if (!node->not_null && node->children.empty() && !HoldsUnstorable(*node)) return nullptr;
  return node;
}

/// The values of one node: which of them exist (because their parents do), and the row of the chunk of each. An empty
/// vector means that all exist, or that each value's row is its own position.
struct Values {
  duckdb::Vector& vector;
  duckdb::idx_t count = 0;
  std::vector<uint8_t> exists;
  std::vector<duckdb::idx_t> row;

  bool Exists(duckdb::idx_t i) const { return exists.empty() || exists[i] != 0; }
  duckdb::idx_t Row(duckdb::idx_t i) const { return row.empty() ? i : row[i]; }
};

enum class Breach { kNull, kOutsideCalendar, kNotUtf8, kVoid };
struct Violation {
  duckdb::idx_t row = 0;
  const Node* node = nullptr;
  Breach breach = Breach::kNull;
};

void KeepFirst(std::optional<Violation>& first, const Violation& violation) {
  if (!first || violation.row < first->row) first = violation;
}

void FindNulls(const Node& node, const Values& values, std::optional<Violation>& first) {
  const auto& validity = duckdb::FlatVector::Validity(values.vector);
  if (validity.AllValid()) return;
  for (duckdb::idx_t i = 0; i < values.count; i++) {
    if (validity.RowIsValid(i) || !values.Exists(i)) continue;
    return KeepFirst(first, {.row = values.Row(i), .node = &node, .breach = Breach::kNull});
  }
}

/// The first value for which `breaks` is true, if there is one.
template <typename T, typename Breaks>
void FindValue(const Node& node, const Values& values, Breach breach, std::optional<Violation>& first,
               Breaks&& breaks) {
  const auto* data = duckdb::FlatVector::GetData<T>(values.vector);
  const auto& validity = duckdb::FlatVector::Validity(values.vector);
  for (duckdb::idx_t i = 0; i < values.count; i++) {
    if (!validity.RowIsValid(i) || !values.Exists(i) || !breaks(data[i])) continue;
    return KeepFirst(first, {.row = values.Row(i), .node = &node, .breach = breach});
  }
}

/// Finds values that the type can hold but a Delta table cannot.
void FindUnstorable(const Node& node, const Values& values, std::optional<Violation>& first) {
  switch (node.kind) {
    case TypeKind::kVoid: return FindValue<int32_t>(node, values, Breach::kVoid, first, [](int32_t) { return true; });
    case TypeKind::kDate:
      return FindValue<int32_t>(node, values, Breach::kOutsideCalendar, first,
                                [](int32_t days) { return days < kDaysMin || days > kDaysMax; });
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      return FindValue<int64_t>(node, values, Breach::kOutsideCalendar, first,
                                [](int64_t micros) { return micros < kMicrosMin || micros > kMicrosMax; });
    case TypeKind::kBinary:
      if (!node.must_be_utf8) return;
      return FindValue<duckdb::string_t>(node, values, Breach::kNotUtf8, first, [](const duckdb::string_t& bytes) {
        return !IsUtf8({bytes.GetData(), bytes.GetSize()});
      });
    default: return;
  }
}

void Find(const Node& node, const Values& values, std::optional<Violation>& first);

void FindInStruct(const Node& node, const Values& values, std::optional<Violation>& first) {
  std::vector<uint8_t> exists = values.exists;
  const auto& validity = duckdb::FlatVector::Validity(values.vector);
  if (!validity.AllValid()) {
    exists.resize(values.count, 1);
    for (duckdb::idx_t i = 0; i < values.count; i++) exists[i] = values.Exists(i) && validity.RowIsValid(i);
  }
  auto& entries = duckdb::StructVector::GetEntries(values.vector);
  for (const auto& child : node.children) {
    Find(*child, {.vector = *entries[child->index], .count = values.count, .exists = exists, .row = values.row}, first);
  }
}

void FindInList(const Node& node, const Values& values, std::optional<Violation>& first) {
  const auto count = duckdb::ListVector::GetListSize(values.vector);
  std::vector<uint8_t> exists(count, 0);
  std::vector<duckdb::idx_t> row(count, 0);
  const auto& validity = duckdb::FlatVector::Validity(values.vector);
  const auto* lists = duckdb::FlatVector::GetData<duckdb::list_entry_t>(values.vector);
  for (duckdb::idx_t i = 0; i < values.count; i++) {
    if (!values.Exists(i) || !validity.RowIsValid(i)) continue;
    for (duckdb::idx_t k = lists[i].offset; k < lists[i].offset + lists[i].length; k++) {
      exists[k] = 1;
      row[k] = values.Row(i);
    }
  }
  if (count == 0) return;
  auto& entries = duckdb::ListVector::GetEntry(values.vector);
  if (node.kind == TypeKind::kArray) {
    return Find(*node.children.front(), {.vector = entries, .count = count, .exists = exists, .row = row}, first);
  }
  entries.Flatten(count);
  auto& pair = duckdb::StructVector::GetEntries(entries);
  for (const auto& child : node.children) {
    Find(*child, {.vector = *pair[child->index], .count = count, .exists = exists, .row = row}, first);
  }
}

void Find(const Node& node, const Values& values, std::optional<Violation>& first) {
  values.vector.Flatten(values.count);
  if (node.not_null) FindNulls(node, values, first);
  FindUnstorable(node, values, first);
  if (node.children.empty()) return;
  if (node.kind == TypeKind::kStruct) return FindInStruct(node, values, first);
  FindInList(node, values, first);
}

Error Describe(Breach breach, const std::string& path) {
  switch (breach) {
    case Breach::kOutsideCalendar:
      return Error(
                 ErrorCode::kInvalidArgument,
                 fmt::format(
                     "column {}: a date or time outside of the years 0001 to 9999 has no place in a Delta table", path))
          .WithReason(Reason::kValueOutOfRange);
    case Breach::kNotUtf8:
      return Error(
                 ErrorCode::kInvalidArgument,
                 fmt::format("column {} partitions the table, and the log keeps its values as text: binary that is no "
                             "UTF-8 cannot be stored there; write it as hex or base64, or partition by another column",
                             path))
          .WithReason(Reason::kInvalidPartitionValue);
    case Breach::kVoid:
      return Error(ErrorCode::kInvalidArgument, fmt::format("column {} is void: it holds nothing but null", path))
          .WithReason(Reason::kSchemaMismatch);
    case Breach::kNull: break;
  }
  return Error(ErrorCode::kInvalidArgument, fmt::format("null in column {}, which is NOT NULL", path))
      .WithReason(Reason::kSchemaMismatch);
}

Error ToConstraintError(const Violation& violation, std::optional<uint64_t> first_row) {
  const auto& path = violation.node->path;
  auto error = Describe(violation.breach, path).With("column", path);
  if (!first_row) return error;
  const auto row = std::to_string(*first_row + violation.row);
  return std::move(error).Prefixed("row " + row).With("row", row);
}

}  // namespace

ConstraintCheck::ConstraintCheck(const TableLayout& layout) {
  const auto& partition = layout.partition_columns;
  for (size_t i = 0; i < layout.schema.size(); i++) {
    const auto& field = layout.schema[i];
    const bool is_partition = std::find(partition.begin(), partition.end(), i) != partition.end();
    auto node = MakeNode(field.type, field.nullable, field.name, i, is_partition);
    if (node) columns_.push_back(std::move(node));
  }
}

ConstraintCheck::~ConstraintCheck() = default;

Result<void> ConstraintCheck::Check(duckdb::DataChunk& rows, std::optional<uint64_t> first_row) const {
  std::optional<Violation> first;
  for (const auto& node : columns_) {
    Find(*node, {.vector = rows.data[node->index], .count = rows.size(), .exists = {}, .row = {}}, first);
  }
  if (!first) return {};
  return ToConstraintError(*first, first_row);
}

}  // namespace yummy::duck
