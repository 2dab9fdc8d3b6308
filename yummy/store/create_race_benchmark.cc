// Races put-if-absent at the store interface, as writers race for the versions of a table; tests/stores/race_test.py
// runs it.
//   create_race_benchmark CLIENTS VERSIONS LOCATION [OPTION=VALUE …]
// Each client opens the store for itself. Prints what happened; exits with 1 unless each version has exactly one
// winner, whose bytes are there.

#include <atomic>
#include <barrier>
#include <charconv>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "yummy/store/open_store.h"

namespace yummy::store {
namespace {

constexpr std::chrono::milliseconds kPause{5};

struct Race {
  size_t clients = 0;
  size_t versions = 0;
  std::string location;
  std::map<std::string, std::string> options;
};

struct Tally {
  std::atomic<size_t> winners = 0;
  std::atomic<size_t> doubts = 0;  // puts whose outcome was settled by repeating them
  std::atomic<size_t> failures = 0;
  std::mutex mutex;  // guards the texts of the winners
};

std::string PathOf(size_t version) { return fmt::format("t/_delta_log/{:020}.json", version); }

// Repeats the put until its outcome is known; then the existing object decides. True if this client's `bytes` are
// there.
Result<bool> Win(const Context& context, ObjectStore& store, const std::string& path, const std::string& bytes,
                 Tally& tally) {
  for (bool in_doubt = false;;) {
    const auto put = store.Put(context, path, bytes, PutMode::kCreate);
    if (put.ok()) return true;
    switch (put.error().code()) {
      case ErrorCode::kAlreadyExists: return in_doubt && TRY(store.Get(context, path)) == bytes;
      case ErrorCode::kOutcomeUnknown: {
        in_doubt = true;
        tally.doubts++;
        TRY(context.Sleep(kPause));
        break;
      }
      default: return put.error();
    }
  }
}

void Compete(const Race& race, size_t client, std::barrier<>& start, Tally& tally, std::vector<std::string>& winners) {
  const Context context;
  const auto store = OpenStore(race.location, race.options);
  if (!store.ok()) fmt::print("{}\n", store.error().ToString());
  for (size_t version = 0; version < race.versions; version++) {
    start.arrive_and_wait();
    if (!store.ok()) {
      tally.failures++;
      continue;
    }
    const std::string bytes = fmt::format("client {} wins version {}\n", client, version);
    const auto won = Win(context, **store, PathOf(version), bytes, tally);
    if (!won.ok()) {
      tally.failures++;
      fmt::print("client {}: {}\n", client, won.error().ToString());
    } else if (*won) {
      const std::lock_guard lock(tally.mutex);  // a store that ignores the condition lets several win
      tally.winners++;
      winners[version] += bytes;  // after two winners the text differs from the object
    }
  }
}

size_t CountRight(const Race& race, const std::vector<std::string>& winners) {
  const auto store = OpenStore(race.location, race.options);
  if (!store.ok()) return 0;
  size_t right = 0;
  for (size_t version = 0; version < race.versions; version++) {
    const auto bytes = (*store)->Get(Context(), PathOf(version));
    right += bytes.ok() && *bytes == winners[version] ? 1 : 0;
  }
  return right;
}

bool Run(const Race& race) {
  Tally tally;
  std::vector<std::string> winners(race.versions);
  std::barrier start(static_cast<std::ptrdiff_t>(race.clients));
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (size_t client = 0; client < race.clients; client++) {
      threads.emplace_back([&, client] { Compete(race, client, start, tally, winners); });
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const size_t right = CountRight(race, winners);
  fmt::print("{} clients, {} versions: {} winners, {} right, {} doubts settled, {} failures, {:.1f} s\n", race.clients,
             race.versions, tally.winners.load(), right, tally.doubts.load(), tally.failures.load(), seconds.count());
  return tally.winners == race.versions && right == race.versions && tally.failures == 0;
}

size_t Number(std::string_view text) {
  size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace
}  // namespace yummy::store

int main(int count, char** words) {
  if (count < 4) {
    fmt::print("create_race_benchmark CLIENTS VERSIONS LOCATION [OPTION=VALUE …]\n");
    return 2;
  }
  yummy::store::Race race{
      .clients = yummy::store::Number(words[1]), .versions = yummy::store::Number(words[2]), .location = words[3]};
  for (int i = 4; i < count; i++) {
    const std::string_view word = words[i];
    const size_t sign = word.find('=');
    race.options.emplace(word.substr(0, sign), word.substr(sign + 1));
  }
  return yummy::store::Run(race) ? 0 : 1;
}
