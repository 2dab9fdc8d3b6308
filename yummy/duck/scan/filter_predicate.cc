#include "yummy/duck/scan/filter_predicate.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <duckdb/function/scalar/struct_utils.hpp>
#include <duckdb/planner/filter/expression_filter.hpp>

#include "yummy/duck/border/types.h"

namespace yummy::duck {
namespace {

using delta::CompareOp;
using delta::DataType;
using delta::Predicate;
using delta::Scalar;
using delta::TypeKind;
using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::ExpressionType;
using duckdb::LogicalTypeId;
using duckdb::TableFilter;
using duckdb::TableFilterType;
using duckdb::Value;

std::optional<CompareOp> OpOf(ExpressionType type) {
  switch (type) {
    case ExpressionType::COMPARE_EQUAL: return CompareOp::kEqual;
    case ExpressionType::COMPARE_NOTEQUAL: return CompareOp::kNotEqual;
    case ExpressionType::COMPARE_LESSTHAN: return CompareOp::kLess;
    case ExpressionType::COMPARE_LESSTHANOREQUALTO: return CompareOp::kLessOrEqual;
    case ExpressionType::COMPARE_GREATERTHAN: return CompareOp::kGreater;
    case ExpressionType::COMPARE_GREATERTHANOREQUALTO: return CompareOp::kGreaterOrEqual;
    case ExpressionType::COMPARE_NOT_DISTINCT_FROM: return CompareOp::kNullSafeEqual;
    default: return std::nullopt;
  }
}

// With a null constant the comparison is never true. Constant(false) would become true under a NOT, but that only keeps
// more files.
Predicate Comparison(const FilteredColumn& column, ExpressionType type, const Value& constant) {
  if (column.type->is_nested() || column.type->kind == TypeKind::kVoid) return Predicate::Unknown();
  auto scalar = ToComparable(constant, *column.type);
  if (!scalar) return Predicate::Unknown();
  if (type == ExpressionType::COMPARE_DISTINCT_FROM) {
    return Predicate::Not(Predicate::Compare(column.path, CompareOp::kNullSafeEqual, *std::move(scalar)));
  }
  auto op = OpOf(type);
  if (!op) return Predicate::Unknown();
  return Predicate::Compare(column.path, *op, *std::move(scalar));
}

bool IsIntegerId(LogicalTypeId id) {
  switch (id) {
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::HUGEINT: return true;
    default: return false;
  }
}

std::optional<FilteredColumn> FieldOf(FilteredColumn parent, size_t index) {
  if (parent.type->kind != TypeKind::kStruct || index >= parent.type->fields.size()) return std::nullopt;
  const delta::Field& field = parent.type->fields[index];
  parent.path.push_back(field.name);
  return FilteredColumn{std::move(parent.path), &field.type};
}

const Value* ConstantOf(const Expression& expression) {
  if (expression.GetExpressionClass() != ExpressionClass::BOUND_CONSTANT) return nullptr;
  return &expression.Cast<duckdb::BoundConstantExpression>().value;
}

class ExpressionConverter {
 public:
  explicit ExpressionConverter(const ColumnOf& column_of) : column_of_(column_of) {}

  Predicate Convert(const Expression& expression) const {
    switch (expression.GetExpressionClass()) {
      case ExpressionClass::BOUND_CONJUNCTION:
        return Conjunction(expression.Cast<duckdb::BoundConjunctionExpression>());
      case ExpressionClass::BOUND_COMPARISON: return Compared(expression.Cast<duckdb::BoundComparisonExpression>());
      case ExpressionClass::BOUND_BETWEEN: return Between(expression.Cast<duckdb::BoundBetweenExpression>());
      case ExpressionClass::BOUND_OPERATOR: return Operator(expression.Cast<duckdb::BoundOperatorExpression>());
      case ExpressionClass::BOUND_FUNCTION: return Function(expression.Cast<duckdb::BoundFunctionExpression>());
      case ExpressionClass::BOUND_CONSTANT: return Constant(*ConstantOf(expression));
      default: break;
    }
    return BooleanColumn(expression);
  }

 private:
  static Predicate Constant(const Value& value) {
    if (value.IsNull()) return Predicate::Constant(false);
    if (value.type().id() != LogicalTypeId::BOOLEAN) return Predicate::Unknown();
    return Predicate::Constant(value.GetValueUnsafe<bool>());
  }

  // A boolean column that is a condition by itself.
  Predicate BooleanColumn(const Expression& expression) const {
    auto column = Column(expression);
    if (!column || column->type->kind != TypeKind::kBoolean) return Predicate::Unknown();
    return Predicate::Compare(column->path, CompareOp::kEqual, Scalar(Scalar::Storage(true)));
  }

  Predicate Conjunction(const duckdb::BoundConjunctionExpression& expression) const {
    std::vector<Predicate> children;
    children.reserve(expression.children.size());
    for (const auto& child : expression.children) children.push_back(Convert(*child));
    if (expression.GetExpressionType() == ExpressionType::CONJUNCTION_AND) return Predicate::And(std::move(children));
    return Predicate::Or(std::move(children));
  }

  Predicate Compared(const duckdb::BoundComparisonExpression& expression) const {
    const ExpressionType type = expression.GetExpressionType();
    if (const Value* constant = ConstantOf(*expression.right)) {
      auto column = Column(*expression.left);
      return column ? Comparison(*column, type, *constant) : Predicate::Unknown();
    }
    if (const Value* constant = ConstantOf(*expression.left)) {
      auto column = Column(*expression.right);
      return column ? Comparison(*column, duckdb::FlipComparisonExpression(type), *constant) : Predicate::Unknown();
    }
    return Predicate::Unknown();
  }

  Predicate Between(const duckdb::BoundBetweenExpression& expression) const {
    auto column = Column(*expression.input);
    if (!column) return Predicate::Unknown();
    std::vector<Predicate> bounds;
    if (const Value* lower = ConstantOf(*expression.lower)) {
      bounds.push_back(Comparison(*column, expression.LowerComparisonType(), *lower));
    } else {
      bounds.push_back(Predicate::Unknown());
    }
    if (const Value* upper = ConstantOf(*expression.upper)) {
      bounds.push_back(Comparison(*column, expression.UpperComparisonType(), *upper));
    } else {
      bounds.push_back(Predicate::Unknown());
    }
    return Predicate::And(std::move(bounds));
  }

  Predicate In(const duckdb::BoundOperatorExpression& expression) const {
    auto column = Column(*expression.children[0]);
    if (!column || column->type->is_nested() || column->type->kind == TypeKind::kVoid) return Predicate::Unknown();
    std::vector<Scalar> constants;
    for (size_t i = 1; i < expression.children.size(); ++i) {
      const Value* value = ConstantOf(*expression.children[i]);
      auto scalar = value ? ToComparable(*value, *column->type) : std::nullopt;
      if (!scalar) return Predicate::Unknown();
      constants.push_back(*std::move(scalar));
    }
    return Predicate::In(column->path, std::move(constants));
  }

  // DuckDB has moved NOT to the leaves of its tree. With a null in the list, NOT IN is never true; In handles that.
  Predicate Operator(const duckdb::BoundOperatorExpression& expression) const {
    switch (expression.GetExpressionType()) {
      case ExpressionType::OPERATOR_NOT: return Predicate::Not(Convert(*expression.children[0]));
      case ExpressionType::COMPARE_IN: return In(expression);
      case ExpressionType::COMPARE_NOT_IN: return Predicate::Not(In(expression));
      case ExpressionType::OPERATOR_IS_NULL:
      case ExpressionType::OPERATOR_IS_NOT_NULL: {
        auto column = Column(*expression.children[0]);
        if (!column) return Predicate::Unknown();
        return expression.GetExpressionType() == ExpressionType::OPERATOR_IS_NULL ? Predicate::IsNull(column->path)
                                                                                  : Predicate::IsNotNull(column->path);
      }
      default: return Predicate::Unknown();
    }
  }

  Predicate Function(const duckdb::BoundFunctionExpression& expression) const {
    const std::string& name = expression.function.name;
    const bool is_prefix = name == "prefix" || name == "starts_with" || name == "^@";
    if (!is_prefix && name != "~~") return BooleanColumn(expression);
    if (expression.children.size() != 2) return Predicate::Unknown();
    auto column = Column(*expression.children[0]);
    const Value* pattern = ConstantOf(*expression.children[1]);
    if (!column || column->type->kind != TypeKind::kString || !pattern ||
        pattern->type().id() != LogicalTypeId::VARCHAR) {
      return Predicate::Unknown();
    }
    if (pattern->IsNull()) return Predicate::Constant(false);
    std::string prefix = duckdb::StringValue::Get(*pattern);
    // The text before the first wildcard of LIKE. The rest of the pattern only narrows the match, so under a NOT the
    // prefix alone would be wrong.
    if (!is_prefix) {
      const size_t wildcard = prefix.find_first_of("%_");
      if (wildcard == std::string::npos || prefix.substr(wildcard) != "%") {
        prefix.resize(std::min(wildcard, prefix.size()));
        return Predicate::And({Predicate::StartsWith(column->path, std::move(prefix)), Predicate::Unknown()});
      }
      prefix.resize(wildcard);
    }
    return Predicate::StartsWith(column->path, std::move(prefix));
  }

  std::optional<FilteredColumn> Column(const Expression& expression) const {
    if (auto column = column_of_(expression)) return column;
    if (expression.GetExpressionClass() == ExpressionClass::BOUND_CAST) {
      const auto& cast = expression.Cast<duckdb::BoundCastExpression>();
      if (cast.return_type != cast.child->return_type && !KeepsComparisons(cast.child->return_type, cast.return_type)) {
        return std::nullopt;
      }
      return Column(*cast.child);
    }
    if (expression.GetExpressionClass() != ExpressionClass::BOUND_FUNCTION) return std::nullopt;
    const auto& function = expression.Cast<duckdb::BoundFunctionExpression>();
    const std::string& name = function.function.name;
    if ((name != "struct_extract" && name != "struct_extract_at") || function.children.empty() || !function.bind_info) {
      return std::nullopt;
    }
    auto parent = Column(*function.children[0]);
    if (!parent) return std::nullopt;
    return FieldOf(*std::move(parent), function.bind_info->Cast<duckdb::StructExtractBindData>().index);
  }

  const ColumnOf& column_of_;
};

Predicate InPredicate(const duckdb::InFilter& filter, const FilteredColumn& column) {
  if (column.type->is_nested() || column.type->kind == TypeKind::kVoid) return Predicate::Unknown();
  std::vector<Scalar> constants;
  for (const Value& value : filter.values) {
    auto scalar = ToComparable(value, *column.type);
    if (!scalar) return Predicate::Unknown();
    constants.push_back(*std::move(scalar));
  }
  return Predicate::In(column.path, std::move(constants));
}

Predicate DynamicPredicate(const duckdb::DynamicFilter& filter, const FilteredColumn& column) {
  if (!filter.filter_data) return Predicate::Unknown();
  std::lock_guard<std::mutex> guard(filter.filter_data->lock);
  if (!filter.filter_data->initialized || !filter.filter_data->filter) return Predicate::Unknown();
  const duckdb::ConstantFilter& bound = *filter.filter_data->filter;
  return Comparison(column, bound.comparison_type, bound.constant);
}

template <typename Filter>
std::vector<Predicate> Children(const Filter& filter, const FilteredColumn& column) {
  std::vector<Predicate> children;
  for (const auto& child : filter.child_filters) children.push_back(ToPredicate(*child, column));
  return children;
}

}  // namespace

bool KeepsComparisons(const duckdb::LogicalType& from, const duckdb::LogicalType& to) {
  if (IsIntegerId(from.id())) {
    if (IsIntegerId(to.id()))
      return duckdb::GetTypeIdSize(to.InternalType()) >= duckdb::GetTypeIdSize(from.InternalType());
    if (to.id() == LogicalTypeId::DOUBLE) return duckdb::GetTypeIdSize(from.InternalType()) <= 4;
    if (to.id() == LogicalTypeId::DECIMAL) {
      return duckdb::DecimalType::GetWidth(to) - duckdb::DecimalType::GetScale(to) >= 19;
    }
    return false;
  }
  switch (from.id()) {
    case LogicalTypeId::FLOAT: return to.id() == LogicalTypeId::DOUBLE;
    case LogicalTypeId::DATE: return to.id() == LogicalTypeId::TIMESTAMP;
    case LogicalTypeId::DECIMAL:
      return to.id() == LogicalTypeId::DECIMAL &&
             duckdb::DecimalType::GetScale(to) >= duckdb::DecimalType::GetScale(from) &&
             duckdb::DecimalType::GetWidth(to) - duckdb::DecimalType::GetScale(to) >=
                 duckdb::DecimalType::GetWidth(from) - duckdb::DecimalType::GetScale(from);
    default: return false;
  }
}

Predicate ToPredicate(const Expression& expression, const ColumnOf& column_of) {
  return ExpressionConverter(column_of).Convert(expression);
}

Predicate ToPredicate(const TableFilter& filter, const FilteredColumn& column) {
  switch (filter.filter_type) {
    case TableFilterType::CONSTANT_COMPARISON: {
      const auto& comparison = filter.Cast<duckdb::ConstantFilter>();
      return Comparison(column, comparison.comparison_type, comparison.constant);
    }
    case TableFilterType::IS_NULL: return Predicate::IsNull(column.path);
    case TableFilterType::IS_NOT_NULL: return Predicate::IsNotNull(column.path);
    case TableFilterType::CONJUNCTION_OR:
      return Predicate::Or(Children(filter.Cast<duckdb::ConjunctionOrFilter>(), column));
    case TableFilterType::CONJUNCTION_AND:
      return Predicate::And(Children(filter.Cast<duckdb::ConjunctionAndFilter>(), column));
    case TableFilterType::STRUCT_EXTRACT: {
      const auto& extract = filter.Cast<duckdb::StructFilter>();
      auto field = FieldOf(column, extract.child_idx);
      return field ? ToPredicate(*extract.child_filter, *field) : Predicate::Unknown();
    }
    case TableFilterType::OPTIONAL_FILTER: {
      const auto& optional = filter.Cast<duckdb::OptionalFilter>();
      return optional.child_filter ? ToPredicate(*optional.child_filter, column) : Predicate::Unknown();
    }
    case TableFilterType::IN_FILTER: return InPredicate(filter.Cast<duckdb::InFilter>(), column);
    case TableFilterType::DYNAMIC_FILTER: return DynamicPredicate(filter.Cast<duckdb::DynamicFilter>(), column);
    case TableFilterType::EXPRESSION_FILTER: {
      // The expression has a single reference, which means this column.
      const ColumnOf column_of = [&column](const Expression& expression) -> std::optional<FilteredColumn> {
        if (expression.GetExpressionClass() != ExpressionClass::BOUND_REF) return std::nullopt;
        return column;
      };
      return ToPredicate(*filter.Cast<duckdb::ExpressionFilter>().expr, column_of);
    }
    case TableFilterType::BLOOM_FILTER: return Predicate::Unknown();
  }
  return Predicate::Unknown();
}

std::optional<ExpressionType> DynamicComparison(const TableFilter& filter) {
  const auto of_any = [](const auto& children) -> std::optional<ExpressionType> {
    for (const auto& child : children) {
      if (auto found = DynamicComparison(*child)) return found;
    }
    return std::nullopt;
  };
  switch (filter.filter_type) {
    case TableFilterType::DYNAMIC_FILTER: {
      const auto& data = filter.Cast<duckdb::DynamicFilter>().filter_data;
      if (!data) return std::nullopt;
      std::lock_guard<std::mutex> guard(data->lock);
      if (!data->filter) return std::nullopt;
      return data->filter->comparison_type;
    }
    case TableFilterType::OPTIONAL_FILTER: {
      const auto& optional = filter.Cast<duckdb::OptionalFilter>();
      return optional.child_filter ? DynamicComparison(*optional.child_filter) : std::nullopt;
    }
    case TableFilterType::CONJUNCTION_AND: return of_any(filter.Cast<duckdb::ConjunctionAndFilter>().child_filters);
    case TableFilterType::CONJUNCTION_OR: return of_any(filter.Cast<duckdb::ConjunctionOrFilter>().child_filters);
    default: return std::nullopt;
  }
}

bool IsDynamic(const TableFilter& filter) { return DynamicComparison(filter).has_value(); }

}  // namespace yummy::duck
