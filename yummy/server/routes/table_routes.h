#pragma once
// The handlers of stores, tables and SQL. They block. Each takes a decoded request and calls only the Lake.

#include "yummy/lake/lake.h"
#include "yummy/server/http/request.h"
#include "yummy/server/http/response.h"

namespace yummy::server {

Result<Response> ListStores(lake::Lake& lake, const Request& request);
Result<Response> ListTables(lake::Lake& lake, const Request& request);
Result<Response> CreateTable(lake::Lake& lake, const Request& request);
Result<Response> QueryTable(lake::Lake& lake, const Request& request);
Result<Response> DescribeTable(lake::Lake& lake, const Request& request);
Result<Response> AppendRows(lake::Lake& lake, const Request& request);
Result<Response> OverwriteRows(lake::Lake& lake, const Request& request);
Result<Response> UpdateRows(lake::Lake& lake, const Request& request);
Result<Response> DeleteRows(lake::Lake& lake, const Request& request);
Result<Response> GetSql(lake::Lake& lake, const Request& request);
Result<Response> PostSql(lake::Lake& lake, const Request& request);

}  // namespace yummy::server
