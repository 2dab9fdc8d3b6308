#include "yummy/duck/border/row_bytes.h"

#include <numeric>

#include <duckdb/common/type_visitor.hpp>

namespace yummy::duck {
namespace {

// `bytes` has one element per row, for the first rows of the vector.
void AddTextBytes(duckdb::Vector& vector, std::vector<uint64_t>& bytes);

void AddStrings(duckdb::Vector& vector, std::vector<uint64_t>& bytes) {
  duckdb::UnifiedVectorFormat rows;
  vector.ToUnifiedFormat(bytes.size(), rows);
  const auto* strings = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(rows);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto at = rows.sel->get_index(i);
    if (rows.validity.RowIsValid(at)) bytes[i] += strings[at].GetSize();
  }
}

void AddLists(duckdb::Vector& vector, std::vector<uint64_t>& bytes) {
  std::vector<uint64_t> elements(duckdb::ListVector::GetListSize(vector));
  AddTextBytes(duckdb::ListVector::GetEntry(vector), elements);
  duckdb::UnifiedVectorFormat rows;
  vector.ToUnifiedFormat(bytes.size(), rows);
  const auto* lists = duckdb::UnifiedVectorFormat::GetData<duckdb::list_entry_t>(rows);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto at = rows.sel->get_index(i);
    if (!rows.validity.RowIsValid(at)) continue;
    for (uint64_t k = 0; k < lists[at].length; ++k) bytes[i] += elements[lists[at].offset + k];
  }
}

void AddArrays(duckdb::Vector& vector, std::vector<uint64_t>& bytes) {
  const size_t size = duckdb::ArrayType::GetSize(vector.GetType());
  std::vector<uint64_t> elements(bytes.size() * size);
  AddTextBytes(duckdb::ArrayVector::GetEntry(vector), elements);
  for (size_t i = 0; i < elements.size(); ++i) bytes[i / size] += elements[i];
}

void AddTextBytes(duckdb::Vector& vector, std::vector<uint64_t>& bytes) {
  if (bytes.empty() || !HasText(vector.GetType())) return;
  switch (vector.GetType().InternalType()) {
    case duckdb::PhysicalType::VARCHAR: return AddStrings(vector, bytes);
    case duckdb::PhysicalType::LIST: return AddLists(vector, bytes);
    case duckdb::PhysicalType::ARRAY: vector.Flatten(bytes.size()); return AddArrays(vector, bytes);
    case duckdb::PhysicalType::STRUCT:
      vector.Flatten(bytes.size());
      for (auto& field : duckdb::StructVector::GetEntries(vector)) AddTextBytes(*field, bytes);
      return;
    default: return;
  }
}

}  // namespace

bool HasText(const duckdb::LogicalType& type) {
  return duckdb::TypeVisitor::Contains(
      type, [](const duckdb::LogicalType& part) { return part.InternalType() == duckdb::PhysicalType::VARCHAR; });
}

std::vector<uint64_t> TextBytes(duckdb::DataChunk& rows) {
  std::vector<uint64_t> bytes(rows.size());
  for (auto& column : rows.data) AddTextBytes(column, bytes);
  return bytes;
}

uint64_t TotalTextBytes(duckdb::Vector& vector, duckdb::idx_t count) {
  uint64_t total = 0;
  // Without nulls, or a selection, this is one short loop.
  if (vector.GetType().InternalType() == duckdb::PhysicalType::VARCHAR &&
      vector.GetVectorType() == duckdb::VectorType::FLAT_VECTOR && duckdb::FlatVector::Validity(vector).AllValid()) {
    const auto* strings = duckdb::FlatVector::GetData<duckdb::string_t>(vector);
    for (duckdb::idx_t i = 0; i < count; ++i) total += strings[i].GetSize();
    return total;
  }
  if (!HasText(vector.GetType())) return 0;
  std::vector<uint64_t> bytes(count);
  AddTextBytes(vector, bytes);
  return std::accumulate(bytes.begin(), bytes.end(), total);
}

uint64_t TotalTextBytes(duckdb::DataChunk& rows) {
  uint64_t total = 0;
  for (auto& column : rows.data) total += TotalTextBytes(column, rows.size());
  return total;
}

}  // namespace yummy::duck
