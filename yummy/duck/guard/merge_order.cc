#include "yummy/duck/guard/merge_order.h"

#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "yummy/duck/border/error.h"

namespace yummy::duck {
namespace {

struct Word {
  std::string text;  // in upper case
  size_t position = 0;
};

// The words outside of brackets and of CASE … END, which is where the clauses stand.
std::vector<Word> OuterWords(const std::string& sql) {
  std::vector<Word> words;
  const auto tokens = duckdb::Parser::Tokenize(sql);
  int brackets = 0;
  int cases = 0;
  for (size_t i = 0; i < tokens.size(); i++) {
    const size_t begin = tokens[i].start;
    const size_t end = i + 1 < tokens.size() ? tokens[i + 1].start : sql.size();
    std::string text = sql.substr(begin, end - begin);
    text.resize(std::min(text.find_last_not_of(" \t\r\n") + 1, text.size()));
    if (tokens[i].type == duckdb::SimplifiedTokenType::SIMPLIFIED_TOKEN_COMMENT) continue;
    if (text == "(" || text == "[" || text == "{") brackets++;
    if (text == ")" || text == "]" || text == "}") brackets--;
    if (brackets > 0) continue;
    text = duckdb::StringUtil::Upper(text);
    if (text == "CASE") cases++;
    if (cases == 0) words.push_back({text, begin});
    if (text == "END" && cases > 0) cases--;
  }
  return words;
}

bool Are(const std::vector<Word>& words, size_t at, std::initializer_list<std::string_view> expected) {
  for (const std::string_view word : expected) {
    if (at >= words.size() || words[at++].text != word) return false;
  }
  return true;
}

enum Kind { kMatched, kNotMatched, kNotMatchedBySource, kKinds };

}  // namespace

Result<void> CheckMergeOrder(const std::string& sql, const duckdb::SQLStatement& statement) {
  if (statement.type != duckdb::StatementType::MERGE_INTO_STATEMENT) return {};
  const std::vector<Word> words = OuterWords(sql);
  std::array<bool, kKinds> is_closed{};
  for (size_t i = 0; i < words.size(); i++) {
    if (words[i].text != "WHEN") continue;
    size_t next = i + 1;
    Kind kind = kMatched;
    if (Are(words, next, {"NOT", "MATCHED", "BY", "SOURCE"})) {
      kind = kNotMatchedBySource;
      next += 4;
    } else if (Are(words, next, {"NOT", "MATCHED"})) {
      kind = kNotMatched;
      next += Are(words, next, {"NOT", "MATCHED", "BY", "TARGET"}) ? 4 : 2;
    } else if (Are(words, next, {"MATCHED"})) {
      next += 1;
    } else {
      continue;
    }
    if (is_closed[kind]) {
      duckdb::ErrorData data =
          ToErrorData(Error(ErrorCode::kInvalidArgument,
                            "a WHEN clause follows one of its kind that has no condition: it would "
                            "never apply")
                          .WithReason(Reason::kSqlInvalid)
                          .With("hint", "write the clause without a condition last"));
      data.AddQueryLocation(duckdb::optional_idx(words[i].position));
      return ToError(data, sql);
    }
    is_closed[kind] = !Are(words, next, {"AND"});
  }
  return {};
}

}  // namespace yummy::duck
