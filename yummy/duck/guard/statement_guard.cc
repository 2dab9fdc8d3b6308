#include "yummy/duck/guard/statement_guard.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/guard/function_lists.h"
#include "yummy/duck/guard/merge_order.h"

namespace yummy::duck {
namespace {

using duckdb::StatementType;
using duckdb::TableReferenceType;
using ExpressionPointer = duckdb::unique_ptr<duckdb::ParsedExpression>;
using TableRefPointer = duckdb::unique_ptr<duckdb::TableRef>;

Error NotAllowed(std::string message) {
  return Error(ErrorCode::kPermissionDenied, std::move(message)).WithReason(Reason::kSqlNotAllowed);
}

Error Refused(ErrorCode code, Reason reason, std::string message) {
  return Error(code, std::move(message)).WithReason(reason);
}

// Carries a position in the text to ToError, which computes line and column.
duckdb::ErrorData WithPosition(const Error& error, duckdb::optional_idx position) {
  duckdb::ErrorData data = ToErrorData(error);
  data.AddQueryLocation(position);
  return data;
}

struct WriteHint {
  StatementType type;
  const char* name;
  const char* hint;
};

bool IsNull(const duckdb::ParsedExpression& expression) {
  if (expression.GetExpressionClass() == duckdb::ExpressionClass::CAST)
    return IsNull(*expression.Cast<duckdb::CastExpression>().child);
  return expression.GetExpressionClass() == duckdb::ExpressionClass::CONSTANT &&
         expression.Cast<duckdb::ConstantExpression>().value.IsNull();
}

// For a descending order the binder negates the quantiles. It fails with an INTERNAL error if their list is null.
bool HasNullQuantiles(const duckdb::FunctionExpression& function) {
  return function.order_bys && !function.order_bys->orders.empty() && !function.children.empty() &&
         IsNull(*function.children.back()) &&
         (function.function_name == "quantile_cont" || function.function_name == "quantile_disc" ||
          function.function_name == "mode");
}

constexpr const char* kNameValues = "name the values: PIVOT … ON column IN (…)";
constexpr const char* kTableRoute = "/api/1.0/delta/{store}/{table}";

constexpr std::array<WriteHint, 8> kWrites = {{
    {StatementType::INSERT_STATEMENT, "INSERT", "append rows by POST {}"},
    {StatementType::UPDATE_STATEMENT, "UPDATE", "update rows by PATCH {}"},
    {StatementType::DELETE_STATEMENT, "DELETE", "delete rows by DELETE {}?where="},
    {StatementType::MERGE_INTO_STATEMENT, "MERGE", "merge rows by POST {}/merge"},
    {StatementType::CREATE_STATEMENT, "CREATE", "create a table by POST /api/1.0/delta/{{store}}, fill it by PUT {}"},
    {StatementType::CREATE_FUNC_STATEMENT, "CREATE",
     "create a table by POST /api/1.0/delta/{{store}}, fill it by PUT {}"},
    {StatementType::DROP_STATEMENT, "DROP", "drop a table by DELETE {}?drop=true"},
    {StatementType::ALTER_STATEMENT, "ALTER", "alter a table by PATCH {}/details"},
}};

// True for CREATE and DROP of objects other than tables, which no route makes.
bool IsOfNoTable(const duckdb::SQLStatement& statement) {
  using duckdb::CatalogType;
  CatalogType type = CatalogType::INVALID;
  if (statement.type == StatementType::CREATE_STATEMENT) type = statement.Cast<duckdb::CreateStatement>().info->type;
  if (statement.type == StatementType::DROP_STATEMENT) type = statement.Cast<duckdb::DropStatement>().info->type;
  return type == CatalogType::PREPARED_STATEMENT || type == CatalogType::SECRET_ENTRY ||
         type == CatalogType::SECRET_TYPE_ENTRY || type == CatalogType::SECRET_FUNCTION_ENTRY;
}

// TRUNCATE is parsed as a DELETE without WHERE; its answer is that of DELETE.
Error RefuseStatement(const duckdb::SQLStatement& statement) {
  std::string name = duckdb::StatementTypeToString(statement.type);
  for (const WriteHint& write : kWrites) {
    if (write.type != statement.type || IsOfNoTable(statement)) continue;
    return Refused(ErrorCode::kInvalidArgument, Reason::kReadOnlyEndpoint,
                   fmt::format("this endpoint only reads, found {}", write.name))
        .With("hint", fmt::format(fmt::runtime(write.hint), kTableRoute));
  }
  // The parser turns such a PIVOT into several statements, which first find the values and make an enum of them.
  if (statement.type == StatementType::MULTI_STATEMENT) {
    return NotAllowed("PIVOT without the values of its columns is not allowed").With("hint", kNameValues);
  }
  return NotAllowed(fmt::format("statements of this kind are not allowed: {}", name));
}

class TreeWalk {
 public:
  explicit TreeWalk(const GuardOptions& options) : options_(options) {}

  Result<void> Node(duckdb::QueryNode& node) {
    // The queries of a statement that only reads were bounded with it.
    if (is_change_ && node_depth_ == 0) TRY(BoundSize(node, options_.size));
    node_depth_++;
    auto result = PartsOf(node);
    node_depth_--;
    return result;
  }

  Result<void> PartsOf(duckdb::QueryNode& node) {
    switch (node.type) {
      case duckdb::QueryNodeType::SELECT_NODE: TRY(Select(node.Cast<duckdb::SelectNode>())); break;
      case duckdb::QueryNodeType::SET_OPERATION_NODE:
        for (auto& child : node.Cast<duckdb::SetOperationNode>().children) TRY(Node(*child));
        break;
      case duckdb::QueryNodeType::RECURSIVE_CTE_NODE: {
        auto& recursive = node.Cast<duckdb::RecursiveCTENode>();
        TRY(Node(*recursive.left));
        TRY(Node(*recursive.right));
        TRY(Expressions(recursive.key_targets));
        break;
      }
      case duckdb::QueryNodeType::CTE_NODE: {
        auto& cte = node.Cast<duckdb::CTENode>();
        TRY(Node(*cte.query));
        TRY(Node(*cte.child));
        break;
      }
      default: return NotAllowed("a statement inside a query is not allowed");
    }
    TRY(Modifiers(node));
    return Ctes(node.cte_map);
  }

  /// A statement that changes rows.
  Result<void> Change(duckdb::SQLStatement& statement) {
    is_change_ = true;
    switch (statement.type) {
      case StatementType::INSERT_STATEMENT: return Insert(statement.Cast<duckdb::InsertStatement>());
      case StatementType::UPDATE_STATEMENT: return Update(statement.Cast<duckdb::UpdateStatement>());
      case StatementType::DELETE_STATEMENT: return Delete(statement.Cast<duckdb::DeleteStatement>());
      default: return Merge(statement.Cast<duckdb::MergeIntoStatement>());
    }
  }

  Result<void> Expression(ExpressionPointer& expression) {
    if (!expression) return {};
    switch (expression->GetExpressionClass()) {
      case duckdb::ExpressionClass::FUNCTION: {
        auto& function = expression->Cast<duckdb::FunctionExpression>();
        if (function.export_state) return At(NotAllowed("EXPORT_STATE is not allowed"), *expression);
        TRY(At(CheckFunction(function.function_name), *expression));
        if (HasNullQuantiles(function)) {
          return At(Refused(ErrorCode::kInvalidArgument, Reason::kSqlInvalid,
                            fmt::format("the last argument of {} is null", function.function_name)),
                    *expression);
        }
        if (IsVaryingFunction(function.function_name)) is_repeatable_ = false;
        break;
      }
      case duckdb::ExpressionClass::WINDOW: {
        auto& window = expression->Cast<duckdb::WindowExpression>();
        TRY(At(CheckFunction(window.function_name), *expression));
        // Each row would scan its whole frame again, and an interrupt takes effect only after two thousand rows.
        if (window.distinct && window.exclude_clause != duckdb::WindowExcludeMode::NO_OTHER) {
          return At(
              NotAllowed("DISTINCT and EXCLUDE in one window are not allowed").With("hint", "leave one of them out"),
              *expression);
        }
        if (IsVaryingFunction(window.function_name)) is_repeatable_ = false;
        break;
      }
      case duckdb::ExpressionClass::COLUMN_REF:
        // current_date and similar values are written without brackets.
        for (const std::string& name : expression->Cast<duckdb::ColumnRefExpression>().column_names)
          if (IsVaryingFunction(name)) is_repeatable_ = false;
        break;
      case duckdb::ExpressionClass::SUBQUERY:
        TRY(Node(*expression->Cast<duckdb::SubqueryExpression>().subquery->node));
        break;
      case duckdb::ExpressionClass::CAST:
        TRY(At(Type(expression->Cast<duckdb::CastExpression>().cast_type), *expression));
        break;
      case duckdb::ExpressionClass::TYPE: TRY(At(TypeTree(*expression), *expression)); break;
      default: break;
    }
    return Children(*expression);
  }

  /// For GuardedStatement.
  bool is_repeatable() const { return is_repeatable_; }

  /// The position of the first refused expression.
  duckdb::optional_idx position() const { return position_; }

 private:
  template <typename Element>
  Result<void> At(Result<void> result, const Element& element) {
    if (!result.ok() && !position_.IsValid()) position_ = PositionOf(element);
    return result;
  }
  static duckdb::optional_idx PositionOf(const duckdb::ParsedExpression& expression) {
    return expression.GetQueryLocation();
  }
  static duckdb::optional_idx PositionOf(const duckdb::TableRef& ref) { return ref.query_location; }

  // A written type is a tree of names: list, struct and map have other types below them.
  static Result<void> Type(const duckdb::LogicalType& type) {
    if (type.id() != duckdb::LogicalTypeId::UNBOUND) return CheckType(type);
    const auto& tree = duckdb::UnboundType::GetTypeExpression(type);
    return tree ? TypeTree(*tree) : Result<void>();
  }

  static Result<void> TypeTree(const duckdb::ParsedExpression& expression) {
    if (expression.GetExpressionClass() != duckdb::ExpressionClass::TYPE) return {};
    const auto& type = expression.Cast<duckdb::TypeExpression>();
    TRY(CheckTypeName(type.GetTypeName()));
    for (const auto& child : type.GetChildren()) TRY(TypeTree(*child));
    return {};
  }

  template <typename List>
  Result<void> Expressions(List& list) {
    for (auto& expression : list) TRY(Expression(expression));
    return {};
  }

  // The callbacks of DuckDB's iterators cannot return an error, so the first error is kept.
  Result<void> Children(duckdb::ParsedExpression& expression) {
    Result<void> result;
    duckdb::ParsedExpressionIterator::EnumerateChildren(expression, [&](ExpressionPointer& child) {
      if (result.ok()) result = Expression(child);
    });
    return result;
  }

  Result<void> Modifiers(duckdb::QueryNode& node) {
    Result<void> result;
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeModifiers(node, [&](ExpressionPointer& child) {
      if (result.ok()) result = Expression(child);
    });
    return result;
  }

  Result<void> Select(duckdb::SelectNode& select) {
    if (select.sample) is_repeatable_ = false;
    TRY(Expressions(select.select_list));
    TRY(Expressions(select.groups.group_expressions));
    TRY(Expression(select.where_clause));
    TRY(Expression(select.having));
    TRY(Expression(select.qualify));
    return Ref(select.from_table);
  }

  Result<void> Ref(TableRefPointer& ref) {
    if (!ref) return {};
    if (ref->sample) is_repeatable_ = false;
    switch (ref->type) {
      case TableReferenceType::BASE_TABLE: return BaseTable(ref->Cast<duckdb::BaseTableRef>());
      case TableReferenceType::SUBQUERY: return Node(*ref->Cast<duckdb::SubqueryRef>().subquery->node);
      case TableReferenceType::JOIN: {
        auto& join = ref->Cast<duckdb::JoinRef>();
        TRY(Ref(join.left));
        TRY(Ref(join.right));
        TRY(Expressions(join.duplicate_eliminated_columns));
        return Expression(join.condition);
      }
      case TableReferenceType::TABLE_FUNCTION: return TableFunction(ref->Cast<duckdb::TableFunctionRef>());
      case TableReferenceType::EXPRESSION_LIST:
        for (auto& row : ref->Cast<duckdb::ExpressionListRef>().values) TRY(Expressions(row));
        return {};
      case TableReferenceType::PIVOT: return Pivot(ref->Cast<duckdb::PivotRef>());
      case TableReferenceType::SHOW_REF: return Show(ref);
      case TableReferenceType::EMPTY_FROM: return {};
      default: return At(NotAllowed("this kind of FROM is not allowed"), *ref);
    }
  }

  Result<void> Ctes(duckdb::CommonTableExpressionMap& ctes) {
    for (auto& [name, cte] : ctes.map) {
      // Its readers are not counted: it must not be copied for each.
      if (is_change_ && node_depth_ == 0) cte->materialized = duckdb::CTEMaterialize::CTE_MATERIALIZE_ALWAYS;
      TRY(Expressions(cte->key_targets));
      TRY(Node(*cte->query->node));
    }
    return {};
  }

  Result<void> Insert(duckdb::InsertStatement& insert) {
    duckdb::BaseTableRef target;
    target.catalog_name = insert.catalog;
    target.schema_name = insert.schema;
    target.table_name = insert.table;
    TRY(BaseTable(target));
    TRY(Ctes(insert.cte_map));
    TRY(NoReturning(insert.returning_list));
    return insert.select_statement ? Node(*insert.select_statement->node) : Result<void>();
  }

  // The rows would be returned before the commit, which may yet fail.
  static Result<void> NoReturning(const duckdb::vector<ExpressionPointer>& returning_list) {
    if (returning_list.empty()) return {};
    return Refused(ErrorCode::kUnsupported, Reason::kUnsupportedSql, "RETURNING is not supported on Delta tables");
  }

  Result<void> Assignments(duckdb::UpdateSetInfo& set) {
    TRY(Expression(set.condition));
    return Expressions(set.expressions);
  }

  // The tables and expressions that one statement joins and computes, as if they were a query of their own.
  Result<void> BoundTogether(std::initializer_list<const TableRefPointer*> tables,
                             std::initializer_list<const ExpressionPointer*> expressions) {
    duckdb::SelectNode query;
    for (const auto* expression : expressions) {
      if (*expression) query.select_list.push_back((*expression)->Copy());
    }
    for (const auto* table : tables) {
      if (!*table) continue;
      if (!query.from_table) {
        query.from_table = (*table)->Copy();
        continue;
      }
      auto join = duckdb::make_uniq<duckdb::JoinRef>(duckdb::JoinRefType::CROSS);
      join->left = std::move(query.from_table);
      join->right = (*table)->Copy();
      query.from_table = std::move(join);
    }
    return BoundSize(query, options_.size);
  }

  Result<void> Update(duckdb::UpdateStatement& update) {
    TRY(BoundTogether({&update.table, &update.from_table}, {&update.set_info->condition}));
    for (const auto& expression : update.set_info->expressions) TRY(BoundTogether({}, {&expression}));
    TRY(Ref(update.table));
    TRY(Ref(update.from_table));
    TRY(Ctes(update.cte_map));
    TRY(NoReturning(update.returning_list));
    return Assignments(*update.set_info);
  }

  Result<void> Delete(duckdb::DeleteStatement& del) {
    if (del.using_clauses.size() > options_.size.joins_max) {
      return Refused(ErrorCode::kInvalidArgument, Reason::kStatementTooLarge,
                     fmt::format("DELETE has {} tables in USING, at most {} are allowed", del.using_clauses.size(),
                                 options_.size.joins_max));
    }
    for (const auto& ref : del.using_clauses) TRY(BoundTogether({&del.table, &ref}, {&del.condition}));
    TRY(BoundTogether({&del.table}, {&del.condition}));
    TRY(Ref(del.table));
    for (auto& ref : del.using_clauses) TRY(Ref(ref));
    TRY(Ctes(del.cte_map));
    TRY(NoReturning(del.returning_list));
    return Expression(del.condition);
  }

  // DuckDB cannot bind a sub-query in a clause of MERGE; Delta-Spark refuses it, too.
  Result<void> ClauseExpression(ExpressionPointer& expression) {
    if (!expression) return {};
    if (expression->HasSubquery()) {
      return At(Refused(ErrorCode::kUnsupported, Reason::kUnsupportedSql,
                        "a sub-query in a WHEN clause of MERGE is not supported")
                    .With("hint", "compute it in the source of the MERGE"),
                *expression);
    }
    return Expression(expression);
  }

  Result<void> Merge(duckdb::MergeIntoStatement& merge) {
    TRY(BoundTogether({&merge.target, &merge.source}, {&merge.join_condition}));
    TRY(Ref(merge.target));
    TRY(Ref(merge.source));
    TRY(Ctes(merge.cte_map));
    TRY(NoReturning(merge.returning_list));
    TRY(Expression(merge.join_condition));
    for (auto& [condition, actions] : merge.actions) {
      for (auto& action : actions) {
        TRY(ClauseExpression(action->condition));
        for (auto& expression : action->expressions) TRY(ClauseExpression(expression));
        if (!action->update_info) continue;
        for (auto& expression : action->update_info->expressions) TRY(ClauseExpression(expression));
      }
    }
    return {};
  }

  Result<void> BaseTable(duckdb::BaseTableRef& table) {
    // Names of tables have none of these characters (lake::CheckName). So this is a path or a URL, which DuckDB would
    // open as a file.
    if (table.table_name.find_first_of("/\\") != std::string::npos) {
      return At(NotAllowed(fmt::format("files cannot be read by SQL: '{}'", table.table_name)), table);
    }
    const std::string& outer = table.catalog_name.empty() ? table.schema_name : table.catalog_name;
    if (!outer.empty() && !options_.is_store(outer)) {
      std::string lower = duckdb::StringUtil::Lower(outer);
      for (const char* internal : {"information_schema", "pg_catalog", "system", "temp", "memory"}) {
        if (lower != internal) continue;
        return At(NotAllowed(fmt::format("{} cannot be read", outer)).With("hint", "use SHOW TABLES and DESCRIBE"),
                  table);
      }
      if (!table.catalog_name.empty()) {
        return At(Refused(ErrorCode::kNotFound, Reason::kStoreNotFound, fmt::format("no store {}", outer))
                      .With("store", outer),
                  table);
      }
    }
    if (!table.at_clause) return {};
    is_repeatable_ = false;
    return Expression(table.at_clause->ExpressionMutable());
  }

  Result<void> TableFunction(duckdb::TableFunctionRef& ref) {
    if (ref.function->GetExpressionClass() != duckdb::ExpressionClass::FUNCTION) {
      return At(NotAllowed("this kind of table function is not allowed"), ref);
    }
    auto& function = ref.function->Cast<duckdb::FunctionExpression>();
    TRY(At(CheckTableFunction(function.function_name), ref));
    if (ref.subquery) TRY(Node(*ref.subquery->node));
    return Children(*ref.function);
  }

  Result<void> Pivot(duckdb::PivotRef& pivot) {
    TRY(Ref(pivot.source));
    TRY(Expressions(pivot.aggregates));
    for (auto& column : pivot.pivots) {
      TRY(Expressions(column.pivot_expressions));
      for (auto& entry : column.entries) TRY(Expression(entry.expr));
      if (column.subquery) TRY(Node(*column.subquery));
      if (!column.pivot_enum.empty()) {
        return At(NotAllowed("PIVOT over an enum type is not allowed").With("hint", kNameValues), pivot);
      }
    }
    return {};
  }

  Result<void> Show(TableRefPointer& ref) {
    auto& show = ref->Cast<duckdb::ShowRef>();
    if (show.query) return Node(*show.query);
    bool tables =
        show.show_type == duckdb::ShowType::SHOW_FROM || duckdb::StringUtil::Lower(show.table_name) == "\"tables\"";
    if (!tables) {
      return At(NotAllowed("this SHOW is not allowed")
                    .With("hint", "use SHOW TABLES, SHOW TABLES FROM store, DESCRIBE table"),
                *ref);
    }
    std::string store = show.catalog_name;
    std::string schema = show.schema_name;
    if (store.empty() && options_.is_store(schema)) {
      store = std::exchange(schema, std::string());
    }
    is_repeatable_ = false;
    ref = NameList(TRY(options_.list_tables(store, schema)));
    return {};
  }

  // FROM (VALUES ('a'), ('b')) t(name), or a SELECT without rows if there are no names.
  static TableRefPointer NameList(const std::vector<std::string>& names) {
    auto list = duckdb::make_uniq<duckdb::ExpressionListRef>();
    list->alias = kNameListAlias;
    list->expected_names = {"name"};
    list->expected_types = {duckdb::LogicalType::VARCHAR};
    for (const std::string& name : names) {
      duckdb::vector<ExpressionPointer> row;
      row.push_back(duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(name)));
      list->values.push_back(std::move(row));
    }
    if (!names.empty()) return list;

    auto select = duckdb::make_uniq<duckdb::SelectNode>();
    auto name = duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(duckdb::LogicalType::VARCHAR));
    name->SetAlias("name");
    select->select_list.push_back(std::move(name));
    select->from_table = duckdb::make_uniq<duckdb::EmptyTableRef>();
    select->where_clause = duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value::BOOLEAN(false));
    auto statement = duckdb::make_uniq<duckdb::SelectStatement>();
    statement->node = std::move(select);
    return duckdb::make_uniq<duckdb::SubqueryRef>(std::move(statement), kNameListAlias);
  }

  // The binder expands the star of SHOW TABLES by the name of the table. Without a name it fails with an INTERNAL
  // error.
  static constexpr const char* kNameListAlias = "tables";
  const GuardOptions& options_;
  bool is_change_ = false;
  int node_depth_ = 0;
  bool is_repeatable_ = true;
  duckdb::optional_idx position_;
};

// The SELECT of a statement that only reads; nullptr for all other statements.
duckdb::SelectStatement* ReadingPart(duckdb::SQLStatement& statement) {
  if (statement.type == StatementType::SELECT_STATEMENT) return &statement.Cast<duckdb::SelectStatement>();
  if (statement.type != StatementType::EXPLAIN_STATEMENT) return nullptr;
  auto& explained = *statement.Cast<duckdb::ExplainStatement>().stmt;
  return explained.type == StatementType::SELECT_STATEMENT ? &explained.Cast<duckdb::SelectStatement>() : nullptr;
}

bool ChangesRows(const duckdb::SQLStatement& statement) {
  return statement.type == StatementType::INSERT_STATEMENT || statement.type == StatementType::UPDATE_STATEMENT ||
         statement.type == StatementType::DELETE_STATEMENT || statement.type == StatementType::MERGE_INTO_STATEMENT;
}

Result<duckdb::unique_ptr<duckdb::SQLStatement>> ParseOne(const std::string& sql, const GuardOptions& options) {
  duckdb::Parser parser(options.parser);
  parser.ParseQuery(sql);
  if (parser.statements.empty()) {
    return Refused(ErrorCode::kInvalidArgument, Reason::kSqlSyntax, "the statement is empty")
        .With("line", "1")
        .With("column", "1");
  }
  if (parser.statements.size() > 1) {
    Error error = Refused(ErrorCode::kInvalidArgument, Reason::kOneStatement,
                          fmt::format("one statement at a time, found {}", parser.statements.size()));
    const auto& first = *parser.statements.front();
    return ToError(WithPosition(error, duckdb::optional_idx(first.stmt_location + first.stmt_length)), sql);
  }
  return std::move(parser.statements.front());
}

std::string DescribeExcess(NestingExcess::Kind kind, const NestingLimits& limits) {
  switch (kind) {
    case NestingExcess::kDepth: return fmt::format("brackets nest deeper than {}", limits.depth_max);
    case NestingExcess::kConnectives:
      return fmt::format("more than {} times AND, OR, UNION, INTERSECT or EXCEPT; for many values use IN",
                         limits.connectives_max);
    case NestingExcess::kCopies: break;
  }
  return fmt::format(
      "CASE value WHEN … takes its value once for each WHEN, in all more than {} bytes; compute it in a sub-query",
      limits.copied_max);
}

}  // namespace

Result<GuardedStatement> GuardStatement(const std::string& sql, const GuardOptions& options) {
  if (sql.size() > options.sql_max_bytes) {
    return Refused(
        ErrorCode::kInvalidArgument, Reason::kSqlTooLong,
        fmt::format("the statement has {} bytes, at most {} are allowed", sql.size(), options.sql_max_bytes));
  }
  // The parser reads the text as a C string, so text after a zero byte would be ignored.
  if (size_t zero = sql.find('\0'); zero != std::string::npos) {
    Error error = Refused(ErrorCode::kInvalidArgument, Reason::kSqlSyntax, "the statement holds a zero byte");
    return ToError(WithPosition(error, duckdb::optional_idx(zero)), sql);
  }
  if (auto excess = FindExcess(sql, options.nesting)) {
    std::string what = DescribeExcess(excess->kind, options.nesting);
    Error error = Refused(ErrorCode::kInvalidArgument, Reason::kTooDeep, std::move(what));
    return ToError(WithPosition(error, duckdb::optional_idx(excess->position)), sql);
  }
  try {
    auto statement = TRY(ParseOne(sql, options));
    if (options.may_write && ChangesRows(*statement)) {
      TRY(CheckMergeOrder(sql, *statement));
      TreeWalk walk(options);
      auto result = walk.Change(*statement);
      if (!result.ok()) return ToError(WithPosition(result.error(), walk.position()), sql);
      return GuardedStatement{.statement = std::move(statement), .writes = true};
    }
    duckdb::SelectStatement* select = ReadingPart(*statement);
    if (!select) return RefuseStatement(*statement);
    TRY(BoundSize(*select->node, options.size));
    TreeWalk walk(options);
    auto result = walk.Node(*select->node);
    if (!result.ok()) return ToError(WithPosition(result.error(), walk.position()), sql);
    const bool is_repeatable = walk.is_repeatable() && statement->type == StatementType::SELECT_STATEMENT;
    return GuardedStatement{.statement = std::move(statement), .is_repeatable = is_repeatable};
  } catch (...) {
    return ToError(CurrentException(), sql);
  }
}

}  // namespace yummy::duck
