#include "yummy/duck/guard/sql_nesting.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <vector>

namespace yummy::duck {
namespace {

bool IsNamePart(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }

// Each of these functions returns the position after the piece that begins at `at`; the end of the text if the piece is
// not closed.

size_t SkipQuoted(std::string_view sql, size_t at, bool backslash_escapes) {
  char quote = sql[at];
  for (size_t i = at + 1; i < sql.size(); ++i) {
    if (backslash_escapes && sql[i] == '\\') {
      ++i;
    } else if (sql[i] == quote) {
      if (i + 1 < sql.size() && sql[i + 1] == quote) {
        ++i;
      } else {
        return i + 1;
      }
    }
  }
  return sql.size();
}

size_t SkipLineComment(std::string_view sql, size_t at) {
  size_t end = sql.find_first_of("\r\n", at);
  return end == std::string_view::npos ? sql.size() : end + 1;
}

// Block comments nest, as in PostgreSQL.
size_t SkipBlockComment(std::string_view sql, size_t at) {
  size_t open = 0;
  for (size_t i = at; i + 1 < sql.size(); ++i) {
    if (sql[i] == '/' && sql[i + 1] == '*') {
      ++open;
      ++i;
    } else if (sql[i] == '*' && sql[i + 1] == '/') {
      ++i;
      if (--open == 0) return i + 1;
    }
  }
  return sql.size();
}

// $$ … $$ or $tag$ … $tag$. A single dollar, as in the parameter $1, is skipped.
size_t SkipDollarQuoted(std::string_view sql, size_t at) {
  size_t tag_end = at + 1;
  if (tag_end < sql.size() && std::isdigit(static_cast<unsigned char>(sql[tag_end]))) return tag_end;
  while (tag_end < sql.size() && IsNamePart(sql[tag_end])) ++tag_end;
  if (tag_end >= sql.size() || sql[tag_end] != '$') return at + 1;
  std::string_view tag = sql.substr(at, tag_end + 1 - at);
  size_t end = sql.find(tag, tag_end + 1);
  return end == std::string_view::npos ? sql.size() : end + tag.size();
}

bool IsEscapeString(std::string_view sql, size_t quote) {
  if (quote == 0 || (sql[quote - 1] != 'e' && sql[quote - 1] != 'E')) return false;
  return quote == 1 || !IsNamePart(sql[quote - 2]);
}

size_t SkipWord(std::string_view sql, size_t at) {
  while (at < sql.size() && IsNamePart(sql[at])) ++at;
  return at;
}

bool IsKeyword(std::string_view word, std::string_view keyword) {
  return std::ranges::equal(word, keyword, [](char a, char b) { return (a | 0x20) == b; });
}

bool IsConnective(std::string_view word) {
  constexpr std::array<std::string_view, 5> kConnectives = {"and", "or", "union", "intersect", "except"};
  return std::ranges::any_of(kConnectives, [&](std::string_view connective) { return IsKeyword(word, connective); });
}

// Counts the bytes that the parser copies for CASE operand WHEN …: the operand for each WHEN, together with the copies
// inside it.
class CaseCopies {
 public:
  void Add(std::string_view token) { Add(token.size()); }

  // A keyword after a dot or AS is a name.
  void AddWord(std::string_view word) {
    const bool is_name = last_ == "." || IsKeyword(last_, "as");
    if (!is_name && IsKeyword(word, "case")) {
      open_.emplace_back();
    } else if (!is_name && IsKeyword(word, "when") && !open_.empty()) {
      open_.back().whens++;
    } else if (!is_name && IsKeyword(word, "end") && !open_.empty()) {
      const Case closed = open_.back();
      open_.pop_back();
      const uint64_t copies = closed.operand * std::max<uint64_t>(closed.whens, 1);
      copied_ += copies;
      Add(copies + closed.rest);
    }
    Add(word.size());
  }

  void set_last(std::string_view token) { last_ = token; }

  bool Exceeds(size_t limit) const { return copied_ > limit; }

 private:
  struct Case {
    uint64_t operand = 0;
    uint64_t rest = 0;
    uint64_t whens = 0;
  };

  void Add(uint64_t bytes) {
    if (!open_.empty()) (open_.back().whens == 0 ? open_.back().operand : open_.back().rest) += bytes;
  }

  std::vector<Case> open_;
  std::string_view last_;
  uint64_t copied_ = 0;
};

// The position after a string, quoted name or comment that begins at `at`; `at` itself if none begins there.
size_t SkipText(std::string_view sql, size_t at) {
  char c = sql[at];
  char after = at + 1 < sql.size() ? sql[at + 1] : '\0';
  if (c == '\'') return SkipQuoted(sql, at, IsEscapeString(sql, at));
  if (c == '"') return SkipQuoted(sql, at, false);
  if (c == '-' && after == '-') return SkipLineComment(sql, at);
  if (c == '/' && after == '*') return SkipBlockComment(sql, at);
  if (c == '$') return SkipDollarQuoted(sql, at);
  return at;
}

}  // namespace

std::optional<NestingExcess> FindExcess(std::string_view sql, const NestingLimits& limits) {
  size_t depth = 0;
  size_t connectives = 0;
  CaseCopies copies;
  for (size_t i = 0; i < sql.size();) {
    // Brackets and words in strings, quoted names and comments mean nothing to the parser.
    if (size_t end = SkipText(sql, i); end > i) {
      copies.Add(sql.substr(i, end - i));
      i = end;
      continue;
    }
    if (IsNamePart(sql[i])) {
      size_t end = SkipWord(sql, i);
      const std::string_view word = sql.substr(i, end - i);
      if (IsConnective(word) && ++connectives > limits.connectives_max) {
        return NestingExcess{.position = i, .kind = NestingExcess::kConnectives};
      }
      copies.AddWord(word);
      if (copies.Exceeds(limits.copied_max)) return NestingExcess{.position = i, .kind = NestingExcess::kCopies};
      copies.set_last(word);
      i = end;
      continue;
    }
    if (std::isspace(static_cast<unsigned char>(sql[i])) == 0) {
      copies.Add(sql.substr(i, 1));
      copies.set_last(sql.substr(i, 1));
    }
    if (sql[i] == '(' || sql[i] == '[' || sql[i] == '{') {
      if (++depth > limits.depth_max) return NestingExcess{.position = i, .kind = NestingExcess::kDepth};
    } else if ((sql[i] == ')' || sql[i] == ']' || sql[i] == '}') && depth > 0) {
      --depth;
    }
    ++i;
  }
  return std::nullopt;
}

}  // namespace yummy::duck
