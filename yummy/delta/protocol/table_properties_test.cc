#include "yummy/delta/protocol/table_properties.h"

#include <gtest/gtest.h>

#include "yummy/base/testing.h"

namespace yummy::delta {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(ParseInterval, ReadsWhatHasNoCalendar) {
  EXPECT_EQ(ParseInterval("interval 7 days"), hours(24 * 7));
  EXPECT_EQ(ParseInterval("INTERVAL 1 week  2 Hours"), hours(24 * 7 + 2));
  EXPECT_EQ(ParseInterval("30 days"), hours(24 * 30));
  EXPECT_EQ(ParseInterval("1 second 5 milliseconds 1500 microseconds"), milliseconds(1006));
  for (const std::string_view text : {"", "interval", "7", "days", "1 month", "1 year", "-1 days", "1 days 2", "x days",
                                      "99999999999999 weeks", "1.5 days"}) {
    EXPECT_EQ(ParseInterval(text), std::nullopt) << text;
  }
}

TEST(TableProperties, HaveTheirDefaults) {
  const TableProperties properties = TableProperties::From({});
  EXPECT_EQ(properties.checkpoint_interval, 10);
  EXPECT_EQ(properties.deleted_file_retention, hours(24 * 7));
  EXPECT_EQ(properties.compression_codec, "zstd");
  EXPECT_EQ(properties.isolation, IsolationLevel::kWriteSerializable);
}

TEST(TableProperties, AreReadFromTheConfiguration) {
  const TableProperties properties =
      TableProperties::From({{"delta.appendOnly", "TRUE"},
                             {"delta.checkpointInterval", "3"},
                             {"delta.checkpointPolicy", "V2"},
                             {"delta.dataSkippingNumIndexedCols", "-1"},
                             {"delta.dataSkippingStatsColumns", "a, s.x,`odd,name`"},
                             {"delta.columnMapping.mode", "Name"},
                             {"delta.enableChangeDataFeed", "true"},
                             {"delta.enableChangeDataCapture", "false"},
                             {"delta.isolationLevel", "Serializable"},
                             {"delta.targetFileSize", "16 MB"},
                             {"delta.parquet.compression.codec", "SNAPPY"},
                             {"delta.setTransactionRetentionDuration", "interval 1 hour"},
                             {"delta.inCommitTimestampEnablementVersion", "5"},
                             {"delta.enableDeletionVectors", "true"}});
  EXPECT_TRUE(properties.append_only);
  EXPECT_EQ(properties.checkpoint_interval, 3);
  EXPECT_TRUE(properties.checkpoint_policy_v2);
  EXPECT_EQ(properties.indexed_columns, -1);
  EXPECT_EQ(properties.statistics_columns, (std::vector<std::string>{"a", "s.x", "`odd,name`"}));
  EXPECT_EQ(properties.isolation, IsolationLevel::kSerializable);
  EXPECT_EQ(properties.column_mapping_mode, ColumnMappingMode::kName);
  EXPECT_TRUE(properties.enable_change_data_feed);  // its old name says otherwise
  EXPECT_EQ(properties.target_file_size_bytes, 16 << 20);
  EXPECT_EQ(properties.compression_codec, "snappy");
  EXPECT_EQ(properties.transaction_retention, hours(1));
  EXPECT_EQ(properties.in_commit_timestamp_enablement_version, 5);
  EXPECT_TRUE(properties.enable_deletion_vectors);
}

TEST(TableProperties, KeepTheirDefaultWhenTheValueIsUnreadable) {
  const TableProperties properties = TableProperties::From({{"delta.appendOnly", "maybe"},
                                                            {"delta.checkpointInterval", "0"},
                                                            {"delta.logRetentionDuration", "soon"},
                                                            {"delta.parquet.compression.codec", "zip"}});
  EXPECT_FALSE(properties.append_only);
  EXPECT_EQ(properties.checkpoint_interval, 10);
  EXPECT_EQ(properties.log_retention, hours(24 * 30));
  EXPECT_EQ(properties.compression_codec, "zstd");
}

TEST(CheckTableProperties, AcceptsKnownOnesAndThoseOfOthers) {
  EXPECT_THAT(CheckTableProperties({{"delta.appendOnly", "false"},
                                    {"mine.delta.x", ""},
                                    {"comment", "x"},
                                    {"delta.logRetentionDuration", "interval 2 weeks"},
                                    {"delta.constraints.c", "a > 1"},
                                    {"delta.feature.deletionVectors", "supported"},
                                    {"delta.targetFileSize", "100"}}),
              IsOk());
}

TEST(CheckTableProperties, RefusesUnknownKeysAndBadValues) {
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"delta.appendOnly", "maybe"},
                                                        {"delta.foo", "1"},
                                                        {"delta.minWriterVersion", "99"},
                                                        {"delta.minReaderVersion", "1"},
                                                        {"delta.checkpointInterval", "0"},
                                                        {"delta.logRetentionDuration", "1 month"},
                                                        {"delta.columnMapping.mode", "foo"},
                                                        {"delta.checkpointPolicy", ""},
                                                        {"delta.targetFileSize", "-1"},
                                                        {"delta.targetFileSize", "9999999999999tb"},
                                                        {"delta.feature.deletionVectors", "no"},
                                                        {"delta.dataSkippingNumIndexedCols", "-2"},
                                                        {"delta.dataSkippingStatsColumns", "a,,b"},
                                                        {"delta.dataSkippingStatsColumns", "`a"},
                                                        {"delta.isolationLevel", "serializable writeserializable"}}) {
    const auto checked = CheckTableProperties({{key, value}});
    ASSERT_THAT(checked, IsError(ErrorCode::kInvalidArgument)) << key << "=" << value;
    EXPECT_EQ(checked.error().reason_name(), "INVALID_TABLE_PROPERTY");
  }
}

TEST(CheckTableProperties, HintsAtTheNearestName) {
  EXPECT_EQ(CheckTableProperties({{"delta.apendonly", "true"}}).error().detail("hint"), "delta.appendOnly");
  EXPECT_EQ(CheckTableProperties({{"delta.enableDeletionVector", "true"}}).error().detail("hint"),
            "delta.enableDeletionVectors");
  EXPECT_EQ(CheckTableProperties({{"delta.zzzzzzzzzzzzzzzz", "true"}}).error().detail("hint"), "");
}

}  // namespace
}  // namespace yummy::delta
