// SPDX-License-Identifier: Apache-2.0

// Runs the validation suite of ADBC's Go module with a driver that its driver manager loads: DRIVER is the file of the
// driver, URI a server over SQLite, and VERSION what the driver is to say of itself.
package peer

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow-adbc/go/adbc"
	"github.com/apache/arrow-adbc/go/adbc/drivermgr"
	"github.com/apache/arrow-adbc/go/adbc/validation"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/suite"
)

type quirks struct {
	allocator *memory.CheckedAllocator
}

func (q *quirks) SetupDriver(t *testing.T) adbc.Driver {
	q.allocator = memory.NewCheckedAllocator(memory.DefaultAllocator)
	return drivermgr.Driver{}
}

func (q *quirks) TearDownDriver(t *testing.T, _ adbc.Driver) {
	q.allocator.AssertSize(t, 0)
}

func (q *quirks) DatabaseOptions() map[string]string {
	return map[string]string{"driver": os.Getenv("DRIVER"), "uri": os.Getenv("URI")}
}

func (q *quirks) BindParameter(index int) string              { return "?" }
func (q *quirks) SupportsBulkIngest(mode string) bool         { return true }
func (q *quirks) SupportsConcurrentStatements() bool          { return true }
func (q *quirks) SupportsCurrentCatalogSchema() bool          { return false } // SQLite's driver tells none
func (q *quirks) SupportsGetSetOptions() bool                 { return false } // nor can the manager's wrapper ask
func (q *quirks) SupportsExecuteSchema() bool                 { return false } // the same
func (q *quirks) SupportsPartitionedData() bool               { return true }
func (q *quirks) SupportsStatistics() bool                    { return false }
func (q *quirks) SupportsTransactions() bool                  { return true }
func (q *quirks) SupportsGetParameterSchema() bool            { return true }
func (q *quirks) SupportsDynamicParameterBinding() bool       { return true }
func (q *quirks) SupportsErrorIngestIncompatibleSchema() bool { return true }
func (q *quirks) Catalog() string                             { return "main" }
func (q *quirks) DBSchema() string                            { return "" }
func (q *quirks) Alloc() memory.Allocator                     { return q.allocator }

// Flight SQL says of a column where it is from, and the name of its type.
func (q *quirks) SampleTableSchemaMetadata(table string, kind arrow.DataType) arrow.Metadata {
	name := "INTEGER"
	if kind.ID() == arrow.STRING {
		name = "TEXT"
	}
	return arrow.NewMetadata([]string{"ARROW:FLIGHT:SQL:CATALOG_NAME", "ARROW:FLIGHT:SQL:SCHEMA_NAME",
		"ARROW:FLIGHT:SQL:TABLE_NAME", "ARROW:FLIGHT:SQL:TYPE_NAME"}, []string{"main", "", table, name})
}

func (q *quirks) GetMetadata(code adbc.InfoCode) interface{} {
	version := os.Getenv("VERSION")
	switch code {
	case adbc.InfoDriverName:
		return "cflight ADBC driver for Flight SQL"
	case adbc.InfoDriverVersion:
		return "v" + version
	case adbc.InfoDriverArrowVersion:
		return "cflight " + version
	case adbc.InfoDriverADBCVersion:
		return adbc.AdbcVersion1_1_0
	case adbc.InfoVendorName:
		return "SQLite"
	case adbc.InfoVendorVersion:
		return q.text("SELECT sqlite_version()")
	case adbc.InfoVendorArrowVersion:
		return version
	}
	return nil
}

// Does something with a statement of a connection of its own.
func (q *quirks) with(work func(adbc.Connection, adbc.Statement) error) error {
	ctx := context.Background()
	database, err := drivermgr.Driver{}.NewDatabase(q.DatabaseOptions())
	if err != nil {
		return err
	}
	defer database.Close()
	connection, err := database.Open(ctx)
	if err != nil {
		return err
	}
	defer connection.Close()
	statement, err := connection.NewStatement()
	if err != nil {
		return err
	}
	defer statement.Close()
	return work(connection, statement)
}

func (q *quirks) text(query string) (found string) {
	err := q.with(func(_ adbc.Connection, statement adbc.Statement) error {
		if err := statement.SetSqlQuery(query); err != nil {
			return err
		}
		reader, _, err := statement.ExecuteQuery(context.Background())
		if err != nil {
			return err
		}
		defer reader.Release()
		for reader.Next() {
			found = strings.Clone(reader.RecordBatch().Column(0).(*array.String).Value(0))
		}
		return reader.Err()
	})
	if err != nil {
		return err.Error()
	}
	return found
}

func (q *quirks) CreateSampleTable(name string, rows arrow.RecordBatch) error {
	return q.with(func(connection adbc.Connection, statement adbc.Statement) error {
		if err := q.DropTable(connection, name); err != nil {
			return err
		}
		if err := statement.SetOption(adbc.OptionKeyIngestTargetTable, name); err != nil {
			return err
		}
		if err := statement.Bind(context.Background(), rows); err != nil {
			return err
		}
		_, err := statement.ExecuteUpdate(context.Background())
		return err
	})
}

func (q *quirks) DropTable(connection adbc.Connection, name string) error {
	statement, err := connection.NewStatement()
	if err != nil {
		return err
	}
	defer statement.Close()
	if err := statement.SetSqlQuery(fmt.Sprintf(`DROP TABLE IF EXISTS "%s"`, name)); err != nil {
		return err
	}
	_, err = statement.ExecuteUpdate(context.Background())
	return err
}

func TestDatabase(t *testing.T)   { suite.Run(t, &validation.DatabaseTests{Quirks: &quirks{}}) }
func TestConnection(t *testing.T) { suite.Run(t, &validation.ConnectionTests{Quirks: &quirks{}}) }
func TestStatement(t *testing.T)  { suite.Run(t, &validation.StatementTests{Quirks: &quirks{}}) }
