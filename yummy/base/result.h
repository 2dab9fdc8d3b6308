#pragma once
// Result<T>: a value or an Error. Functions that can fail return one. TRY passes an error up; MUST marks calls that
// cannot fail.

#include <cassert>
#include <optional>
#include <utility>
#include <variant>

#include "yummy/base/error.h"

namespace yummy {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit, so that `return value;` works
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit, so that `return error;` works
  template <typename U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> && !std::is_same_v<std::remove_cvref_t<U>, Result>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT: as above

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T& value() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  const Error& error() const& {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit, so that `return error;` works

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const { assert(ok()); }

  const Error& error() const& {
    assert(!ok());
    return *error_;
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

/// Ends the program with the text of the error. MUST calls it.
[[noreturn]] void FailMust(const char* expression, const Error& error);

}  // namespace yummy

// Each use gets a name of its own, so that a TRY may contain another TRY.
#define YUMMY_JOIN_(a, b) a##b
#define YUMMY_JOIN(a, b) YUMMY_JOIN_(a, b)
#define YUMMY_TRY_(name, ...)         \
  __extension__({                     \
    auto name = (__VA_ARGS__);        \
    if (!name.ok()) [[unlikely]]      \
      return std::move(name).error(); \
    std::move(name).value();          \
  })
#define YUMMY_MUST_(name, text, ...)         \
  __extension__({                            \
    auto name = (__VA_ARGS__);               \
    if (!name.ok()) [[unlikely]]             \
      ::yummy::FailMust(text, name.error()); \
    std::move(name).value();                 \
  })

/// The value of a Result. If it holds an error, the enclosing function returns that error:
/// `auto meta = TRY(store.Head(context, path));`
#define TRY(...) YUMMY_TRY_(YUMMY_JOIN(yummy_try_, __COUNTER__), __VA_ARGS__)

/// The value of a Result that cannot be an error here; an error ends the program.
#define MUST(...) YUMMY_MUST_(YUMMY_JOIN(yummy_must_, __COUNTER__), #__VA_ARGS__, __VA_ARGS__)
