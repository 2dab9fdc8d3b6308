#include "yummy/duck/constraint_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace yummy::duck {

using delta::TypeKind;

/// A value of the schema that has a constraint, or has one below it.
struct ConstraintCheck::Node {
  std::string path;
  TypeKind kind = TypeKind::kVoid;
  bool not_null = false;
  bool empty_is_null = false;                   // string and binary partition columns
  duckdb::idx_t index = 0;                      // in the table or in the struct above
  std::vector<std::unique_ptr<Node>> children;  // struct: fields; array: the element; map: the value (index 1)
};

namespace {

using Node = ConstraintCheck::Node;

bool IsTime(TypeKind kind) {
  return kind == TypeKind::kDate || kind == TypeKind::kTimestamp || kind == TypeKind::kTimestampNtz;
}

std::unique_ptr<Node> MakeNode(const delta::DataType& type, bool nullable, std::string path, duckdb::idx_t index) {
  auto node = std::make_unique<Node>();
  node->kind = type.kind;
  node->not_null = !nullable;
  node->index = index;
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
  if (!node->not_null && node->children.empty() && !IsTime(node->kind) && node->kind != TypeKind::kVoid) return nullptr;
  return node;
}

/// The values of one node: which of them exist (their parents do), and the row of the chunk that each belongs to.
/// Empty vectors stand for "all" and "its own number".
struct Values {
  duckdb::Vector& vector;
  duckdb::idx_t count = 0;
  std::vector<uint8_t> exists;
  std::vector<duckdb::idx_t> row;

  bool Exists(duckdb::idx_t i) const { return exists.empty() || exists[i] != 0; }
  duckdb::idx_t Row(duckdb::idx_t i) const { return row.empty() ? i : row[i]; }
};

enum class Breach { kNull, kInfinite, kVoid };
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
  const bool check_empty =
      node.empty_is_null && values.vector.GetType().InternalType() == duckdb::PhysicalType::VARCHAR;
  if (validity.AllValid() && !check_empty) return;
  for (duckdb::idx_t i = 0; i < values.count; i++) {
    if (!values.Exists(i)) continue;
    const bool is_null =
        !validity.RowIsValid(i) ||
        (check_empty && duckdb::FlatVector::GetData<duckdb::string_t>(values.vector)[i].GetSize() == 0);
    if (is_null) return KeepFirst(first, {.row = values.Row(i), .node = &node, .breach = Breach::kNull});
  }
}

void FindValues(const Node& node, const Values& values, std::optional<Violation>& first) {
  const auto& validity = duckdb::FlatVector::Validity(values.vector);
  for (duckdb::idx_t i = 0; i < values.count; i++) {
    if (validity.RowIsValid(i) && values.Exists(i)) {
      return KeepFirst(first, {.row = values.Row(i), .node = &node, .breach = Breach::kVoid});
    }
  }
}

template <typename T>
void FindInfinite(const Node& node, const Values& values, std::optional<Violation>& first) {
  const auto* data = duckdb::FlatVector::GetData<T>(values.vector);
  const auto& validity = duckdb::FlatVector::Validity(values.vector);
  for (duckdb::idx_t i = 0; i < values.count; i++) {
    if (!validity.RowIsValid(i) || !values.Exists(i) || duckdb::Value::IsFinite(data[i])) continue;
    return KeepFirst(first, {.row = values.Row(i), .node = &node, .breach = Breach::kInfinite});
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
  if (node.kind == TypeKind::kVoid) FindValues(node, values, first);
  if (node.kind == TypeKind::kDate) FindInfinite<duckdb::date_t>(node, values, first);
  if (node.kind == TypeKind::kTimestamp || node.kind == TypeKind::kTimestampNtz) {
    FindInfinite<duckdb::timestamp_t>(node, values, first);
  }
  if (node.children.empty()) return;
  if (node.kind == TypeKind::kStruct) return FindInStruct(node, values, first);
  FindInList(node, values, first);
}

Error Describe(Breach breach, const std::string& path) {
  switch (breach) {
    case Breach::kInfinite:
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("column {}: an infinite time has no place in a Delta table", path))
          .WithReason("VALUE_OUT_OF_RANGE");
    case Breach::kVoid:
      return Error(ErrorCode::kInvalidArgument, fmt::format("column {} is void: it holds nothing but null", path))
          .WithReason("SCHEMA_MISMATCH");
    case Breach::kNull: break;
  }
  return Error(ErrorCode::kInvalidArgument, fmt::format("null in column {}, which is NOT NULL", path))
      .WithReason("SCHEMA_MISMATCH");
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
  for (size_t i = 0; i < layout.schema.size(); i++) {
    const auto& field = layout.schema[i];
    auto node = MakeNode(field.type, field.nullable, field.name, i);
    if (!node) continue;
    // The log has no empty partition value: it would be read back as null.
    node->empty_is_null = std::find(layout.partition_columns.begin(), layout.partition_columns.end(), i) !=
                          layout.partition_columns.end();
    columns_.push_back(std::move(node));
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
