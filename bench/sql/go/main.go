// SPDX-License-Identifier: Apache-2.0

// Arrow Go's example server over SQLite, on a file that bench/run_sql has made. The program that comes with
// the example has a database in memory that nothing can be put into beforehand; this is all that differs.
//
//	sql_go_server FILE
package main

import (
	"database/sql"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql/example"
)

// As bench/sql_sqlite.c has them.
const settings = "?_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate"

func main() {
	db, err := sql.Open("sqlite", "file:"+os.Args[1]+settings)
	if err != nil {
		log.Fatal(err)
	}
	service, err := example.NewSQLiteFlightSQLServer(db)
	if err != nil {
		log.Fatal(err)
	}
	server := flight.NewServerWithMiddleware(nil)
	server.RegisterFlightService(flightsql.NewFlightServer(service))
	if err := server.Init("127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("grpc://%s\n", server.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := server.Serve(); err != nil {
		log.Fatal(err)
	}
}
