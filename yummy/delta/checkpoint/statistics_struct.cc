#include "yummy/delta/checkpoint/statistics_struct.h"

#include <map>
#include <optional>

#include <arrow/api.h>
#include <fmt/format.h>

#include "yummy/delta/files/statistics_json.h"
#include "yummy/delta/schema/arrow_schema.h"
#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {

namespace {

Error FromArrow(const arrow::Status& status) {
  const ErrorCode code = status.IsOutOfMemory() ? ErrorCode::kResourceExhausted : ErrorCode::kInternal;
  return Error(code, fmt::format("the checkpoint's statistics cannot be encoded: {}", status.message()));
}

arrow::Decimal128 ToDecimal(Int128 value) {
  return arrow::Decimal128(static_cast<int64_t>(value >> 64), static_cast<uint64_t>(value));
}

/// Appends a value, or null, to a builder of the type that ToArrowType gives.
arrow::Status AppendScalar(arrow::ArrayBuilder& builder, const std::optional<Scalar>& value) {
  if (!value || value->is_null()) return builder.AppendNull();
  switch (builder.type()->id()) {
    case arrow::Type::BOOL: return static_cast<arrow::BooleanBuilder&>(builder).Append(value->get<bool>());
    case arrow::Type::INT8:
      return static_cast<arrow::Int8Builder&>(builder).Append(static_cast<int8_t>(value->get<int64_t>()));
    case arrow::Type::INT16:
      return static_cast<arrow::Int16Builder&>(builder).Append(static_cast<int16_t>(value->get<int64_t>()));
    case arrow::Type::INT32:
      return static_cast<arrow::Int32Builder&>(builder).Append(static_cast<int32_t>(value->get<int64_t>()));
    case arrow::Type::INT64: return static_cast<arrow::Int64Builder&>(builder).Append(value->get<int64_t>());
    case arrow::Type::DATE32:
      return static_cast<arrow::Date32Builder&>(builder).Append(static_cast<int32_t>(value->get<int64_t>()));
    case arrow::Type::TIMESTAMP: return static_cast<arrow::TimestampBuilder&>(builder).Append(value->get<int64_t>());
    case arrow::Type::FLOAT:
      return static_cast<arrow::FloatBuilder&>(builder).Append(static_cast<float>(value->get<double>()));
    case arrow::Type::DOUBLE: return static_cast<arrow::DoubleBuilder&>(builder).Append(value->get<double>());
    case arrow::Type::DECIMAL128:
      return static_cast<arrow::Decimal128Builder&>(builder).Append(ToDecimal(value->get<Int128>()));
    case arrow::Type::STRING:
    case arrow::Type::BINARY: return static_cast<arrow::BinaryBuilder&>(builder).Append(value->get<std::string>());
    default: return builder.AppendNull();
  }
}

/// Leaf arrays by path, put together to structs.
struct StructNode {
  std::string name;
  std::vector<StructNode> children;
  std::shared_ptr<arrow::Array> array;  // leaf
  std::shared_ptr<arrow::DataType> leaf_type;

  void Insert(std::span<const std::string> path, std::shared_ptr<arrow::DataType> type,
              std::shared_ptr<arrow::Array> leaf) {
    StructNode* child = nullptr;
    for (StructNode& candidate : children) {
      if (candidate.name == path[0]) child = &candidate;
    }
    if (child == nullptr)
      child = &children.emplace_back(StructNode{.name = path[0], .children = {}, .array = {}, .leaf_type = {}});
    if (path.size() > 1) {
      child->Insert(path.subspan(1), std::move(type), std::move(leaf));
    } else {
      child->leaf_type = std::move(type);
      child->array = std::move(leaf);
    }
  }

  std::shared_ptr<arrow::DataType> Type() const {
    if (leaf_type) return leaf_type;
    arrow::FieldVector fields;
    for (const StructNode& child : children) fields.push_back(arrow::field(child.name, child.Type()));
    return arrow::struct_(fields);
  }

  arrow::Result<std::shared_ptr<arrow::Array>> Array() const {
    if (leaf_type) return array;
    arrow::ArrayVector arrays;
    arrow::FieldVector fields;
    for (const StructNode& child : children) {
      ARROW_ASSIGN_OR_RAISE(auto made, child.Array());
      fields.push_back(arrow::field(child.name, made->type()));
      arrays.push_back(std::move(made));
    }
    return arrow::StructArray::Make(arrays, fields);
  }
};

/// Builders for a leaf's bounds and null counts.
struct LeafBuilders {
  std::unique_ptr<arrow::ArrayBuilder> min;
  std::unique_ptr<arrow::ArrayBuilder> max;
  arrow::Int64Builder nulls;
};

/// Boolean and binary columns have null counts only.
bool HasBounds(const DataType& type) { return type.kind != TypeKind::kBoolean && type.kind != TypeKind::kBinary; }

std::vector<std::string> Below(const char* part, const std::vector<std::string>& path) {
  std::vector<std::string> whole = {part};
  whole.insert(whole.end(), path.begin(), path.end());
  return whole;
}

std::optional<DataType> FindPhysicalType(const TableShape& shape, const std::vector<std::string>& path, bool* widened) {
  const std::vector<Field>* fields = &shape.schema;
  const Field* found = nullptr;
  for (const std::string& name : path) {
    found = nullptr;
    for (const Field& field : *fields) {
      if (field.physical_name() == name) found = &field;
    }
    if (found == nullptr) return std::nullopt;
    fields = &found->type.fields;
  }
  if (found == nullptr || found->type.is_nested() || found->type.kind == TypeKind::kVoid ||
      found->type.kind == TypeKind::kVariant) {
    return std::nullopt;
  }
  *widened = found->FindMetadata("delta.typeChanges").has_value();
  return found->type;
}

}  // namespace

Result<TypedStatistics> TypedStatistics::Make(const Snapshot& snapshot) {
  const TableShape& shape = *snapshot.state().shape;
  TypedStatistics typed;
  StructNode root;
  root.Insert(std::vector<std::string>{"numRecords"}, arrow::int64(), nullptr);
  root.Insert(std::vector<std::string>{"tightBounds"}, arrow::boolean(), nullptr);
  for (const ColumnPath& path : StatisticsColumns(shape.schema, shape.metadata.partition_columns, shape.properties)) {
    Leaf leaf;
    const auto type = FindPhysicalType(shape, path, &leaf.column.was_widened);
    if (!type) continue;
    leaf.column.path = path;
    leaf.column.type = *type;
    leaf.type = TRY(ToArrowType(*type));
    if (HasBounds(*type)) root.Insert(Below("minValues", path), leaf.type, nullptr);
    if (HasBounds(*type)) root.Insert(Below("maxValues", path), leaf.type, nullptr);
    root.Insert(Below("nullCount", path), arrow::int64(), nullptr);
    typed.leaves_.push_back(std::move(leaf));
  }
  typed.fields_.push_back(arrow::field("stats_parsed", root.Type()));
  if (shape.partition_columns.empty()) return typed;
  arrow::FieldVector partitions;
  for (size_t i = 0; i < shape.partition_columns.size(); i++) {
    typed.partition_types_.push_back(TRY(ToArrowType(shape.schema[shape.partition_columns[i]].type)));
    partitions.push_back(arrow::field(shape.partition_keys[i], typed.partition_types_.back()));
  }
  typed.fields_.push_back(arrow::field("partitionValues_parsed", arrow::struct_(partitions)));
  return typed;
}

Result<std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>> TypedStatistics::Encode(
    const Snapshot& snapshot, std::span<const FileId> ids) const {
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>> arrays;
  arrays.emplace_back("stats_parsed", TRY(EncodeStatistics(snapshot, ids)));
  if (!partition_types_.empty()) arrays.emplace_back("partitionValues_parsed", TRY(EncodePartitions(snapshot, ids)));
  return arrays;
}

namespace {

/// Collects the statistics of files and puts them together as stats_parsed. The first failure is kept.
class StatisticsBuilder {
 public:
  StatisticsBuilder(std::vector<LeafColumn> columns, const std::vector<std::shared_ptr<arrow::DataType>>& types)
      : columns_(std::move(columns)), leaves_(columns_.size()) {
    for (size_t i = 0; i < leaves_.size(); i++) {
      Keep(arrow::MakeBuilder(arrow::default_memory_pool(), types[i], &leaves_[i].min));
      Keep(arrow::MakeBuilder(arrow::default_memory_pool(), types[i], &leaves_[i].max));
    }
  }

  void Take(const FileSegment& segment, size_t row) {
    if (!status_.ok()) return;
    if (segment_ != &segment) {
      segment_ = &segment;
      bounds_ = segment.Bounds(columns_);
      counts_ = segment.Counts();
    }
    const bool known = counts_->num_records[row] >= 0;
    Keep(known ? records_.Append(counts_->num_records[row]) : records_.AppendNull());
    Keep(known ? tight_.Append(counts_->tight[row] != 0) : tight_.AppendNull());
    for (size_t i = 0; i < leaves_.size(); i++) {
      Keep(AppendScalar(*leaves_[i].min, bounds_[i]->stored_min(row)));
      Keep(AppendScalar(*leaves_[i].max, bounds_[i]->stored_max(row)));
      const int64_t nulls = bounds_[i]->null_count(row);
      Keep(nulls >= 0 ? leaves_[i].nulls.Append(nulls) : leaves_[i].nulls.AppendNull());
    }
  }

  Result<std::shared_ptr<arrow::Array>> Finish() {
    Insert({"numRecords"}, records_);
    Insert({"tightBounds"}, tight_);
    for (size_t i = 0; i < leaves_.size(); i++) {
      if (HasBounds(columns_[i].type)) Insert(Below("minValues", columns_[i].path), *leaves_[i].min);
      if (HasBounds(columns_[i].type)) Insert(Below("maxValues", columns_[i].path), *leaves_[i].max);
      Insert(Below("nullCount", columns_[i].path), leaves_[i].nulls);
    }
    if (!status_.ok()) return FromArrow(status_);
    auto array = root_.Array();
    if (!array.ok()) return FromArrow(array.status());
    return std::move(*array);
  }

 private:
  void Keep(const arrow::Status& status) {
    if (status_.ok()) status_ = status;
  }
  void Insert(const std::vector<std::string>& path, arrow::ArrayBuilder& builder) {
    if (!status_.ok()) return;
    auto array = builder.Finish();
    Keep(array.status());
    if (array.ok()) root_.Insert(path, (*array)->type(), *array);
  }

  const std::vector<LeafColumn> columns_;
  std::vector<LeafBuilders> leaves_;
  arrow::Int64Builder records_;
  arrow::BooleanBuilder tight_;
  arrow::Status status_;
  StructNode root_;
  const FileSegment* segment_ = nullptr;
  std::vector<std::shared_ptr<const ColumnBounds>> bounds_;
  std::shared_ptr<const FileCounts> counts_;
};

}  // namespace

Result<std::shared_ptr<arrow::Array>> TypedStatistics::EncodeStatistics(const Snapshot& snapshot,
                                                                        std::span<const FileId> ids) const {
  std::vector<LeafColumn> columns;
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const Leaf& leaf : leaves_) {
    columns.push_back(leaf.column);
    types.push_back(leaf.type);
  }
  StatisticsBuilder builder(std::move(columns), types);
  for (const FileId id : ids) builder.Take(snapshot.state().files.FindSegment(id)->segment(), FileSet::Row(id));
  return builder.Finish();
}

Result<std::shared_ptr<arrow::Array>> TypedStatistics::EncodePartitions(const Snapshot& snapshot,
                                                                        std::span<const FileId> ids) const {
  const auto& type = fields_[1]->type();
  arrow::ArrayVector arrays;
  for (size_t i = 0; i < partition_types_.size(); i++) {
    std::unique_ptr<arrow::ArrayBuilder> builder;
    arrow::Status status = arrow::MakeBuilder(arrow::default_memory_pool(), partition_types_[i], &builder);
    for (const FileId id : ids) {
      // A value that cannot be read stays null here: partitionValues has its text.
      auto value = snapshot.partition_value(id, i);
      if (status.ok())
        status = AppendScalar(*builder, value.ok() ? std::optional<Scalar>(std::move(value).value()) : std::nullopt);
    }
    if (!status.ok()) return FromArrow(status);
    auto array = builder->Finish();
    if (!array.ok()) return FromArrow(array.status());
    arrays.push_back(std::move(*array));
  }
  auto array = arrow::StructArray::Make(arrays, type->fields());
  if (!array.ok()) return FromArrow(array.status());
  return std::shared_ptr<arrow::Array>(std::move(*array));
}

}  // namespace yummy::delta
