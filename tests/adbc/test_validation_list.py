# SPDX-License-Identifier: Apache-2.0
"""validation.md is complete: every check of ADBC's validation suite is in it, with tests that there are."""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

# The suite's own names.
CHECKS = {
    "Database": "NewInit Release",
    "Connection": """NewInit Release Concurrent AutocommitDefault AutocommitToggle MetadataCurrentCatalog
        MetadataCurrentDbSchema MetadataGetInfo MetadataGetTableSchema MetadataGetTableSchemaDbSchema
        MetadataGetTableSchemaEscaping MetadataGetTableSchemaNotFound MetadataGetTableTypes MetadataGetObjectsCatalogs
        MetadataGetObjectsDbSchemas MetadataGetObjectsTables MetadataGetObjectsTablesTypes MetadataGetObjectsColumns
        MetadataGetObjectsConstraints MetadataGetObjectsPrimaryKey MetadataGetObjectsForeignKey
        MetadataGetObjectsCancel MetadataGetStatisticNames""",
    "Statement": """NewInit Release SqlIngestBool SqlIngestInt8 SqlIngestInt16 SqlIngestInt32 SqlIngestInt64
        SqlIngestUInt8 SqlIngestUInt16 SqlIngestUInt32 SqlIngestUInt64 SqlIngestFloat16 SqlIngestFloat32
        SqlIngestFloat64 SqlIngestString SqlIngestLargeString SqlIngestStringView SqlIngestBinary SqlIngestLargeBinary
        SqlIngestFixedSizeBinary SqlIngestBinaryView SqlIngestDate32 SqlIngestTimestamp SqlIngestTimestampTz
        SqlIngestDuration SqlIngestInterval SqlIngestListOfInt32 SqlIngestListOfString SqlIngestStringDictionary
        SqlIngestStreamZeroArrays SqlIngestTableEscaping SqlIngestColumnEscaping SqlIngestAppend SqlIngestReplace
        SqlIngestCreateAppend SqlIngestErrors SqlIngestMultipleConnections SqlIngestSample SqlIngestTargetCatalog
        SqlIngestTargetSchema SqlIngestTargetCatalogSchema SqlIngestTemporary SqlIngestTemporaryAppend
        SqlIngestTemporaryReplace SqlIngestTemporaryExclusive SqlIngestPrimaryKey SqlPartitionedInts
        SqlPrepareGetParameterSchema SqlPrepareSelectNoParams SqlPrepareSelectParams SqlPrepareUpdate
        SqlPrepareUpdateNoParams SqlPrepareUpdateStream SqlPrepareErrorNoQuery SqlPrepareErrorParamCountMismatch SqlBind
        SqlQueryEmpty SqlQueryInts SqlQueryFloats SqlQueryStrings SqlQueryInsertRollback SqlQueryCancel SqlQueryErrors
        SqlQueryTrailingSemicolons SqlQueryRowsAffectedDelete SqlQueryRowsAffectedDeleteStream SqlSchemaInts
        SqlSchemaFloats SqlSchemaStrings SqlSchemaErrors Transactions ConcurrentStatements ErrorCompatibility
        ResultIndependence ResultInvalidation""",
    "Driver": "version",
}


def rows():
    """The table's: check, tests."""
    for line in (HERE / "validation.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "check":
            yield cells[0], cells[1].split("; ")


def test_every_check_is_in_the_list():
    wanted = [f"{group} {name}" for group, names in CHECKS.items() for name in names.split()]
    assert sorted(check for check, _ in rows()) == sorted(wanted)


def test_every_test_of_the_list_is_there():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *sorted(HERE.glob("test_validation_[!l]*.py"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    found = {line.split("::")[1] for line in done.stdout.splitlines() if "::" in line}
    found |= {name.split("[")[0] for name in found}
    for source in (HERE.parent / "unit/adbc").glob("test_*.c"):
        found |= set(re.findall(r"^TEST\((\w+, \w+)\)", source.read_text(), re.MULTILINE))
    missing = {test for _, tests in rows() for test in tests} - found
    assert not missing, done.stdout[-2000:] + done.stderr
