#include "yummy/server/routes/type_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/json.h"

namespace yummy::server {

namespace {

using delta::DataType;
using delta::TypeKind;

constexpr int kDepthMax = 64;

struct OtherName {
  std::string_view name;
  std::string_view delta_name;
};
constexpr std::array<OtherName, 18> kOtherNames = {{
    {"bigint", "long"},
    {"int64", "long"},
    {"int", "integer"},
    {"int32", "integer"},
    {"smallint", "short"},
    {"int16", "short"},
    {"tinyint", "byte"},
    {"int8", "byte"},
    {"float32", "float"},
    {"real", "float"},
    {"float64", "double"},
    {"bool", "boolean"},
    {"varchar", "string"},
    {"text", "string"},
    {"utf8", "string"},
    {"bytes", "binary"},
    {"numeric", "decimal"},
    {"timestampntz", "timestamp_ntz"},
}};

class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : text_(text) {}

  Result<DataType> Whole() {
    DataType type = TRY(Type(0));
    if (SkipSpace(); at_ < text_.size()) return Invalid();
    return type;
  }

 private:
  Result<DataType> Type(int depth) {
    if (depth > kDepthMax) return Invalid();
    const std::string word = Word();
    if (Take('<')) {
      DataType type;
      if (word == "array") {
        type.kind = TypeKind::kArray;
        type.children.push_back(TRY(Type(depth + 1)));
      } else if (word == "map") {
        type.kind = TypeKind::kMap;
        type.children.push_back(TRY(Type(depth + 1)));
        if (!Take(',')) return Invalid();
        type.children.push_back(TRY(Type(depth + 1)));
      } else if (word == "struct") {
        type.kind = TypeKind::kStruct;
        type.fields = TRY(Fields(depth));
      } else {
        return Invalid();
      }
      if (!Take('>')) return Invalid();
      return type;
    }
    return Primitive(word);
  }

  // "a: long, b: string"; a name ends at its colon or a space.
  Result<std::vector<delta::Field>> Fields(int depth) {
    std::vector<delta::Field> fields;
    do {
      SkipSpace();
      const size_t colon = text_.find_first_of(":<>,", at_);
      if (colon == std::string_view::npos || text_[colon] != ':') return Invalid();
      std::string_view name = text_.substr(at_, colon - at_);
      while (name.ends_with(' ')) name.remove_suffix(1);
      if (name.empty()) return Invalid();
      at_ = colon + 1;
      delta::Field field;
      field.name = std::string(name);
      field.type = TRY(Type(depth + 1));
      fields.push_back(std::move(field));
    } while (Take(','));
    return fields;
  }

  Result<DataType> Primitive(std::string word) {
    for (const OtherName& other : kOtherNames) {
      if (other.name == word) word = other.delta_name;
    }
    if (Take('(')) {
      const size_t end = text_.find(')', at_);
      if (end == std::string_view::npos) return Invalid();
      word += fmt::format("({})", text_.substr(at_, end - at_));
      at_ = end + 1;
    }
    std::string json;
    AppendJsonString(json, word);
    auto type = delta::ParseType(json);
    if (!type.ok()) return Invalid();
    return type;
  }

  std::string Word() {
    SkipSpace();
    std::string word;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_')) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(text_[at_++])));
    }
    return word;
  }

  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    at_++;
    return true;
  }
  void SkipSpace() {
    while (at_ < text_.size() && text_[at_] == ' ') at_++;
  }

  Error Invalid() const {
    return Error(ErrorCode::kInvalidArgument, fmt::format("unknown type '{}'", text_.substr(0, 200)))
        .WithReason(Reason::kInvalidSchema);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<delta::DataType> ParseTypeText(std::string_view text) { return TypeParser(text).Whole(); }

}  // namespace yummy::server
