// Times opening and refreshing one table in process: delta_benchmark cold-open|refresh STORE_FOLDER TABLE REPEATS
// Prints one line of JSON: {"wall_ms": […], "cpu_ms": […]}.

#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "yummy/base/executor.h"
#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/store/local_store.h"

namespace yummy::delta {
namespace {

constexpr size_t kThreads = 2;
constexpr size_t kTasksMax = 1024;

double CpuMilliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void Measure(int repeats, const std::function<void()>& body) {
  std::vector<double> wall;
  std::vector<double> cpu;
  for (int i = 0; i < repeats; i++) {
    const auto wall_begin = std::chrono::steady_clock::now();
    const double cpu_begin = CpuMilliseconds();
    body();
    wall.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - wall_begin).count());
    cpu.push_back(CpuMilliseconds() - cpu_begin);
  }
  fmt::print("{{\"wall_ms\": [{:.4f}], \"cpu_ms\": [{:.4f}]}}\n", fmt::join(wall, ", "), fmt::join(cpu, ", "));
}

int Run(const std::string& verb, const std::string& folder, const std::string& table, int repeats) {
  const std::shared_ptr<store::ObjectStore> store = MUST(store::LocalStore::Open(folder));
  Executor executor(kThreads, kTasksMax);
  const Context context;
  const auto open = [&] { return MUST(Snapshot::Load(context, store, table, {.executor = &executor})); };
  if (verb == "cold-open") {
    Measure(repeats, [&] { open(); });
    return 0;
  }
  SnapshotRef snapshot = open();
  Measure(repeats, [&] { snapshot = MUST(Snapshot::Refresh(context, snapshot, &executor)); });
  return 0;
}

}  // namespace
}  // namespace yummy::delta

int main(int argc, char** argv) {
  const std::string verb = argc == 5 ? argv[1] : "";
  if (verb != "cold-open" && verb != "refresh") {
    fmt::print(stderr, "usage: delta_benchmark cold-open|refresh STORE_FOLDER TABLE REPEATS\n");
    return 2;
  }
  return yummy::delta::Run(verb, argv[2], argv[3], std::atoi(argv[4]));
}
