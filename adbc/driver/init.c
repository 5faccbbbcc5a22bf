/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions. Of one for version 1.0 nothing is written past its end, where the caller
 * may have something else. Thread class: free. */
#include "adbc/driver/init.h"

#include <string.h>

#include "adbc/driver/entry_options.h"
#include "adbc/driver/execute.h"
#include "adbc/driver/metadata.h"
#include "adbc/driver/partitions.h"
#include "adbc/driver/result.h"
#include "adbc/driver/statement_life.h"
#include "adbc/driver/transaction.h"

/* Nothing is shared by the objects of a table. */
static AdbcStatusCode release(struct AdbcDriver *driver, struct AdbcError *error)
{
    (void)error;
    if (driver != NULL) {
        driver->release = NULL;
    }
    return ADBC_STATUS_OK;
}

static void fill_1_0(struct AdbcDriver *driver)
{
    memset(driver, 0, ADBC_DRIVER_1_0_0_SIZE);
    driver->release = release;
    driver->DatabaseInit = adbc_database_init;
    driver->DatabaseNew = adbc_database_new;
    driver->DatabaseRelease = adbc_database_release;
    driver->ConnectionCommit = adbc_connection_commit;
    driver->ConnectionGetInfo = adbc_connection_get_info;
    driver->ConnectionGetObjects = adbc_connection_get_objects;
    driver->ConnectionGetTableSchema = adbc_connection_get_table_schema;
    driver->ConnectionGetTableTypes = adbc_connection_get_table_types;
    driver->ConnectionReadPartition = adbc_connection_read_partition;
    driver->ConnectionInit = adbc_connection_init;
    driver->ConnectionNew = adbc_connection_new;
    driver->ConnectionRelease = adbc_connection_release;
    driver->ConnectionRollback = adbc_connection_rollback;
    driver->StatementBind = adbc_statement_bind;
    driver->StatementBindStream = adbc_statement_bind_stream;
    driver->StatementExecuteQuery = adbc_statement_execute;
    driver->StatementExecutePartitions = adbc_statement_execute_partitions;
    driver->StatementGetParameterSchema = adbc_statement_parameter_schema;
    driver->StatementNew = adbc_statement_new;
    driver->StatementPrepare = adbc_statement_prepare;
    driver->StatementRelease = adbc_statement_release;
    driver->StatementSetSqlQuery = adbc_statement_set_query;
    driver->StatementSetSubstraitPlan = adbc_statement_set_plan;
}

static void fill_1_1(struct AdbcDriver *driver)
{
    memset((char *)driver + ADBC_DRIVER_1_0_0_SIZE, 0,
           ADBC_DRIVER_1_1_0_SIZE - ADBC_DRIVER_1_0_0_SIZE);
    driver->ErrorGetDetailCount = adbc_error_detail_count;
    driver->ErrorGetDetail = adbc_error_detail;
    driver->ErrorFromArrayStream = adbc_result_error;
    driver->ConnectionCancel = adbc_connection_cancel;
    driver->ConnectionGetStatistics = adbc_connection_get_statistics;
    driver->ConnectionGetStatisticNames = adbc_connection_get_statistic_names;
    driver->StatementCancel = adbc_statement_cancel;
    driver->StatementExecuteSchema = adbc_statement_execute_schema;
}

AdbcStatusCode AdbcDriverInit(int version, void *driver, struct AdbcError *error)
{
    if (driver == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "the table of the driver is NULL");
    }
    if (version != ADBC_VERSION_1_0_0 && version != ADBC_VERSION_1_1_0) {
        return adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED,
                         "this driver is of ADBC 1.0 (%d) and 1.1 (%d), not %d", ADBC_VERSION_1_0_0,
                         ADBC_VERSION_1_1_0, version);
    }
    fill_1_0(driver);
    if (version == ADBC_VERSION_1_1_0) {
        fill_1_1(driver);
    }
    adbc_entry_options(driver, version);
    return ADBC_STATUS_OK;
}

AdbcStatusCode AdbcDriverCflightInit(int version, void *driver, struct AdbcError *error)
{
    return AdbcDriverInit(version, driver, error);
}
