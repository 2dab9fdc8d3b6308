#include "yummy/server/http/stop_signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "yummy/base/testing.h"

namespace yummy::server {
namespace {

using std::chrono::seconds;

// A process that serves and never ends by itself, which was sent the signals.
[[noreturn]] void ServeForEver(const std::vector<int>& signals, StopTimes times) {
  StopSignals stop;
  std::atomic<size_t> stops = 0;
  stop.Serve([&] { stops++; }, times);
  for (size_t i = 0; i < signals.size(); i++) {
    ::kill(::getpid(), signals[i]);
    while (i < 2 && stops <= i) std::this_thread::yield();  // a signal that is pending is not sent twice
  }
  while (true) ::pause();
}

class StopSignalsDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(StopSignalsDeathTest, EndTheProcessSoonAfterTheSecond) {
  for (const auto& signals : {std::vector{SIGTERM, SIGTERM}, std::vector{SIGINT, SIGTERM}, std::vector{SIGHUP, SIGINT}})
    EXPECT_EXIT(ServeForEver(signals, {.finish = seconds(3600), .abort = seconds(1)}), testing::ExitedWithCode(1),
                "by force");
}

TEST_F(StopSignalsDeathTest, EndTheProcessWhenAStopTakesTooLong) {
  EXPECT_EXIT(ServeForEver({SIGTERM}, {.finish = seconds(0), .abort = seconds(1)}), testing::ExitedWithCode(1),
              "does not stop");
}

TEST_F(StopSignalsDeathTest, EndTheProcessAtOnceAtTheThird) {
  EXPECT_EXIT(ServeForEver({SIGTERM, SIGTERM, SIGTERM}, {.finish = seconds(3600), .abort = seconds(3600)}),
              testing::ExitedWithCode(1), "again and again");
}

TEST_F(StopSignalsDeathTest, EndTheProcessBeforeItServes) {
  EXPECT_EXIT(
      {
        StopSignals stop;
        ::kill(::getpid(), SIGTERM);
        while (true) ::pause();
      },
      testing::ExitedWithCode(1), "before it served");
}

TEST_F(StopSignalsDeathTest, LetAProcessEndByItself) {
  EXPECT_EXIT(
      {
        {
          StopSignals stop;
          std::atomic<bool> stopped = false;
          stop.Serve([&] { stopped = true; }, {.finish = seconds(3600)});
          ::kill(::getpid(), SIGTERM);
          while (!stopped) std::this_thread::yield();
          stop.Served();
        }
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(StopSignalsDeathTest, LeaveAHangUpThatIsIgnoredIgnored) {
  EXPECT_EXIT(
      {
        ::signal(SIGHUP, SIG_IGN);
        StopSignals stop;
        stop.Serve([] { std::_Exit(7); }, {.finish = seconds(3600)});
        ::kill(::getpid(), SIGHUP);
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace yummy::server
