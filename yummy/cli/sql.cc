#include "yummy/cli/sql.h"

#include "yummy/base/logging.h"
#include "yummy/cli/exit_code.h"
#include "yummy/lake/lake.h"

namespace yummy::cli {

namespace {
Result<void> Run(const SqlOptions& options) {
  SetLogLevel(LogLevel::kWarn);
  const auto lake = TRY(lake::Lake::Open(TRY(lake::LoadConfig(options.config))));
  lake::QueryRequest request;
  request.sql = options.sql;
  request.may_write = true;
  const Context context;
  lake::RunningQuery query = TRY(lake->Query(context, request));
  const auto printer = MakePrinter(options.format, stdout);
  TRY(printer->Begin(*query.result->schema()));
  while (const auto batch = TRY(query.result->Next())) TRY(printer->Batch(*batch));
  return printer->End();
}
}  // namespace

int Sql(const SqlOptions& options) {
  const auto done = Run(options);
  return done.ok() ? kExitDone : ReportError(done.error());
}

}  // namespace yummy::cli
