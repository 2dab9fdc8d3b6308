#include "yummy/duck/functions/pattern_cost.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "yummy/base/saturating.h"

namespace yummy::duck {
namespace {

constexpr uint64_t kEndless = std::numeric_limits<uint64_t>::max();

struct Part {
  enum class Kind { kCharacter, kBegin, kOpen, kClose, kOr, kRepetition };
  Kind kind = Kind::kCharacter;
  uint64_t size = 1;
  uint64_t least = 1;  // how often a repetition repeats the part before it, at least
  uint64_t most = 1;
};

// Goes through a pattern from part to part. A text that is not a valid pattern gets some parts, too.
class Parts {
 public:
  explicit Parts(std::string_view pattern) : pattern_(pattern) {}

  std::optional<Part> Next() {
    if (!is_quoted_ && Skip("\\Q")) is_quoted_ = true;
    while (is_quoted_ && Skip("\\E")) is_quoted_ = Skip("\\Q");
    if (at_ >= pattern_.size()) return std::nullopt;
    const char c = pattern_[at_++];
    if (is_quoted_) return Part{};
    switch (c) {
      case '\\': return Escape();
      case '[': return Class();
      case '^': return Part{.kind = Part::Kind::kBegin};
      case '|': return Part{.kind = Part::Kind::kOr};
      case '(': return Open();
      case ')': return Part{.kind = Part::Kind::kClose};
      case '*': return Repetition(0, kEndless);
      case '+': return Repetition(1, kEndless);
      case '?': return Repetition(0, 1);
      case '{': return Counted();
      default: return Part{};
    }
  }

 private:
  static constexpr uint64_t kCategorySize = 200;  // \pL is a long list of ranges

  bool Skip(std::string_view text) {
    if (!pattern_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  Part Escape() {
    const char kind = at_ < pattern_.size() ? pattern_[at_++] : '\0';
    const bool is_category = kind == 'p' || kind == 'P';
    if (!is_category) return {};
    const size_t end = at_ < pattern_.size() && pattern_[at_] == '{' ? pattern_.find('}', at_) : at_;
    at_ = std::min(end, pattern_.size() - 1) + 1;
    return {.size = kCategorySize};
  }

  Part Class() {
    const size_t begin = at_;
    while (at_ < pattern_.size() && (pattern_[at_] != ']' || at_ == begin)) at_ += pattern_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_, pattern_.size());
    const std::string_view inside = pattern_.substr(begin, at_ - begin);
    at_ = std::min(at_ + 1, pattern_.size());
    return {.size = inside.size() + 1 + (inside.find("\\p") == std::string_view::npos ? 0 : kCategorySize)};
  }

  Part Open() {
    if (Skip("?")) {  // the name or flags of the group, or flags for the rest
      at_ = std::min(pattern_.find_first_of(":>)", at_), pattern_.size());
      if (at_ < pattern_.size() && pattern_[at_] != ')') at_++;
    }
    return {.kind = Part::Kind::kOpen};
  }

  Part Repetition(uint64_t least, uint64_t most) {
    Skip("?");  // a lazy repetition
    return {.kind = Part::Kind::kRepetition, .least = least, .most = most};
  }

  Part Counted() {
    uint64_t numbers[2] = {0, 0};
    bool has_digits[2] = {false, false};
    size_t number = 0;
    for (; at_ < pattern_.size() && pattern_[at_] != '}'; at_++) {
      const char c = pattern_[at_];
      if (c == ',') number = 1;
      if (c < '0' || c > '9') continue;
      has_digits[number] = true;
      numbers[number] = SaturatedSum(SaturatedProduct(numbers[number], 10), static_cast<uint64_t>(c - '0'));
    }
    at_ = std::min(at_ + 1, pattern_.size());
    if (!has_digits[0]) return {};  // the brace stands for itself
    const uint64_t upper = has_digits[1] ? numbers[1] : kEndless;
    return Repetition(numbers[0], number == 0 ? numbers[0] : std::max(upper, numbers[0]));
  }

  const std::string_view pattern_;
  size_t at_ = 0;
  bool is_quoted_ = false;
};

// How far the match of a branch, or of a part of it, may look.
struct Reach {
  bool is_endless = false;  // it may end in an unbounded repetition, followed only by optional parts
  bool may_fail = false;    // it may fail after an unbounded repetition
  bool is_optional = false;
};

// The innermost open group: the parts before its last part, and the last part.
class Group {
 public:
  void Add(const Reach& part) {
    Settle();
    last_ = part;
  }

  /// False if the repetition makes a choice out of a part that may fail.
  bool Repeat(const Part& repetition) {
    if (!last_) return true;
    last_->is_optional = last_->is_optional || repetition.least == 0;
    last_->is_endless = last_->is_endless || repetition.most == kEndless;
    return !last_->may_fail;
  }

  void EndBranch() {
    Settle();
    all_.is_endless = all_.is_endless || branch_.is_endless;
    all_.may_fail = all_.may_fail || branch_.may_fail;
    if (!is_begin_) branches_++;
    branch_ = {};
    is_first_ = true;
    is_begin_ = false;
  }

  void Begin() {
    is_begin_ = is_first_;
    Add({});
  }

  bool is_choice_that_fails() const { return branches_ > 1 && all_.may_fail; }
  const Reach& all() const { return all_; }

 private:
  void Settle() {
    is_first_ = false;
    if (!last_) return;
    branch_.may_fail = branch_.may_fail || last_->may_fail || (branch_.is_endless && !last_->is_optional);
    branch_.is_endless = last_->is_endless || (branch_.is_endless && last_->is_optional);
    last_.reset();
  }

  Reach all_;            // the branches that have ended
  size_t branches_ = 0;  // their number, without branches that match only at the beginning of the text
  Reach branch_;
  std::optional<Reach> last_;
  bool is_first_ = true;
  bool is_begin_ = false;
};

}  // namespace

uint64_t PatternSize(std::string_view pattern) {
  std::vector<uint64_t> outer;  // the sizes before each open group
  uint64_t size = 0;            // the size of the innermost group
  uint64_t last = 0;            // the size of its last part
  Parts parts(pattern);
  while (const auto part = parts.Next()) {
    switch (part->kind) {
      case Part::Kind::kOpen: outer.push_back(std::exchange(size, 0)); break;
      case Part::Kind::kClose:
        last = SaturatedSum(size, 1);
        if (outer.empty()) break;
        size = SaturatedSum(outer.back(), last);
        outer.pop_back();
        break;
      case Part::Kind::kRepetition: {
        const uint64_t times = part->most == kEndless ? part->least + 1 : part->most;
        size = SaturatedSum(size, times > 1 ? SaturatedProduct(last, times - 1) : 1);
        break;
      }
      default: size = SaturatedSum(size, last = part->size); break;
    }
  }
  for (const uint64_t before : outer) size = SaturatedSum(size, before);
  return size;
}

bool MayLookFar(std::string_view pattern) {
  const bool has_flags = pattern.find("(?") != std::string_view::npos;  // a beginning may be that of a line
  std::vector<Group> groups(1);
  Parts parts(pattern);
  while (const auto part = parts.Next()) {
    Group& group = groups.back();
    switch (part->kind) {
      case Part::Kind::kCharacter: group.Add({}); break;
      case Part::Kind::kBegin: has_flags ? group.Add({}) : group.Begin(); break;
      case Part::Kind::kOr: group.EndBranch(); break;
      case Part::Kind::kOpen: groups.emplace_back(); break;
      case Part::Kind::kClose: {
        group.EndBranch();
        if (group.is_choice_that_fails()) return true;
        const Reach inside = group.all();
        if (groups.size() > 1) groups.pop_back();
        groups.back().Add(inside);
        break;
      }
      case Part::Kind::kRepetition:
        if (!group.Repeat(*part)) return true;
        break;
    }
  }
  groups.back().EndBranch();
  return groups.back().is_choice_that_fails();
}

}  // namespace yummy::duck
