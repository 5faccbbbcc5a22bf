/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of commands and options. docs/man/cflight.1 is made from them and a test compares the
 * two. */
#include "cli/commands/command_table.h"

#include <string.h>

#include "cli/commands/arguments.h"

#define BIT(name) (1u << CLI_COMMAND_##name)
#define EVERY ((1u << CLI_COMMAND_COUNT) - 1u)
#define CONNECTED (EVERY & ~BIT(VERSION))
#define CLIENTS (CONNECTED & ~BIT(SERVE))
#define RESULTS (BIT(GET) | BIT(SQL) | BIT(TABLES))
#define DATA (BIT(GET) | BIT(SQL) | BIT(TABLES) | BIT(PUT) | BIT(INGEST) | BIT(SERVE))
#define NAMED (BIT(INFO) | BIT(SCHEMA) | BIT(GET) | BIT(PUT))

/* Where in the arguments a value goes, which must be of the type that the kind of value has. */
#define AT(type, member)                      \
    (offsetof(struct cli_arguments, member) + \
     0 * sizeof(_Generic(((struct cli_arguments *)NULL)->member, type : 0)))
#define ARGUMENT(member) AT(const char *, member)
#define FLAG(member) CLI_VALUE_FLAG, AT(bool, member)
#define TEXT(member) CLI_VALUE_TEXT, AT(const char *, member)
#define LIST(member) CLI_VALUE_LIST, AT(struct cli_list, member)
#define SECONDS(member) CLI_VALUE_SECONDS, AT(int64_t, member)
#define SECONDS_MIN(member) CLI_VALUE_SECONDS_MIN, AT(int64_t, member)
#define TIME_LIMIT(member) CLI_VALUE_TIME_LIMIT, AT(int64_t, member)
#define ROWS(member) CLI_VALUE_ROWS, AT(int64_t, member)
#define COUNT(member) CLI_VALUE_COUNT, AT(uint32_t, member)
#define SIZE(member) CLI_VALUE_SIZE, AT(uint64_t, member)
#define SMALL_SIZE(member) CLI_VALUE_SMALL_SIZE, AT(uint32_t, member)
#define CODEC(member) CLI_VALUE_CODEC, AT(enum cli_codec, member)
#define FORMAT(member) CLI_VALUE_FORMAT, AT(enum cli_format, member)
#define INGEST_MODE(member) CLI_VALUE_INGEST_MODE, AT(enum cli_ingest_mode, member)
#define LOG_LEVEL(member) CLI_VALUE_LOG_LEVEL, AT(enum cli_log_level, member)
#define LOG_FORMAT(member) CLI_VALUE_LOG_FORMAT, AT(bool, member)
#define TLS_VERSION(member) CLI_VALUE_TLS_VERSION, AT(enum cflight_tls_version, member)

const struct cli_command cli_commands[CLI_COMMAND_COUNT] = {
    [CLI_COMMAND_SERVE] =
        {"serve", "DIR|DATABASE", 1, 1, "serve the Arrow files below a directory, or a database",
         "Of a directory, every file below DIR that ends in .arrow or .feather (Arrow file) or "
         ".arrows (Arrow "
         "stream) is a flight; its name is its path below DIR without the ending. Files are mapped "
         "into memory and sent without copying. New files appear without a restart; replace files "
         "by renaming, never by writing into them. Files and directories whose name begins with a "
         "dot are not served, nor are links that lead out of DIR.\n\nA database is "
         "sqlite:FILE, duckdb:FILE, postgresql://USER@HOST/NAME, or adbc:DRIVER?KEY=VALUE&... for "
         "any other with an ADBC driver; it is served by Flight SQL. DRIVER is the name of a "
         "driver or its file, and each KEY an option of it. Drivers are looked for where the ADBC "
         "driver manager does, and in packages that pip has installed. Whoever may call may run "
         "any SQL, with the rights that this command has at the database.\n\nThe line \"Listening "
         "on "
         "grpc://HOST:PORT\" on standard output says that the server is ready. SIGINT or SIGTERM "
         "end it: no new calls are taken and running ones may finish; a second signal cuts them. "
         "SIGHUP reads certificates, users and rights again, each for itself, and says what came "
         "of it; "
         "so does, within two seconds, a change of their files. "
         "Users who are gone from --auth-file, or have another hash there, are logged out by it. A "
         "wrong password leaves a line \"login failed from HOST port N for 'NAME'\" on standard "
         "error. The health service of gRPC (grpc.health.v1) answers anybody, server reflection "
         "whoever may call."},
    [CLI_COMMAND_LIST] =
        {"list", "URI [PATTERN]", 1, 2, "list the flights of a server",
         "One line per flight: name, rows, bytes, separated by tabs; unknown numbers are empty. On "
         "a terminal the columns are aligned. PATTERN is sent to the server as the criteria; "
         "cflight serve takes a beginning of names, or a pattern with *, ? and [...]."},
    [CLI_COMMAND_INFO] = {"info", "URI NAME", 2, 2, "describe a flight",
                          "Shows what GetFlightInfo answers: rows, bytes, endpoints with their "
                          "locations and tickets, schema."},
    [CLI_COMMAND_SCHEMA] =
        {"schema", "URI NAME", 2, 2, "show the schema of a flight",
         "One line per column: name, type, and \"not null\" where nulls are excluded."},
    [CLI_COMMAND_GET] =
        {"get", "URI [NAME]", 1, 2, "fetch a flight",
         "Asks for the flight's endpoints and fetches all of them, in order. Several locations of "
         "one endpoint are replicas: the next is tried when nothing has come from the one before. "
         "With --ticket no flight is looked up.\n\nWithout -o, the first rows are shown as a "
         "table. With -o, the ending of FILE chooses the format: .arrow or .feather (Arrow file), "
         ".arrows (Arrow stream), .csv, .jsonl or .ndjson; \"-\" is standard output and the stream "
         "format unless --format says otherwise. FILE appears when everything has arrived; after a "
         "failure nothing is left of it."},
    [CLI_COMMAND_PUT] = {"put", "URI NAME FILE", 3, 3, "upload an Arrow file",
                         "FILE is an Arrow file or stream, whatever it is called; \"-\" reads a "
                         "stream from standard input. The upload has succeeded when the exit code "
                         "is 0: the server has confirmed the end of it."},
    [CLI_COMMAND_SQL] =
        {"sql", "URI [SQL]", 1, 2, "run statements at a Flight SQL server",
         "Runs the statement SQL as it is, or, without it or if it is \"-\", the statements on "
         "standard input, one after the other until one fails. Without it at a terminal, a prompt "
         "takes statements; \\? there shows what else it knows. Statements end with \";\", which "
         "counts "
         "for nothing in quotes and comments; nothing is run when a quote or comment has no end. "
         "All run in one session, if the server has sessions.\n\nRows are shown, or written with "
         "-o, as cflight get does. Several results follow each other as tables; a file, and any "
         "other format, takes one. How many rows a statement has changed is told on standard "
         "error. Where the first word of a statement is not one that asks for rows, the server is "
         "asked, by preparing the statement, whether it gives any."},
    [CLI_COMMAND_TABLES] =
        {"tables", "URI [PATTERN]", 1, 2, "list the tables of a Flight SQL server",
         "A row for each table: catalog, schema, name and type, or with --columns one for each "
         "column. In PATTERN, % stands for any characters and _ for any one; \\ before them takes "
         "that away."},
    [CLI_COMMAND_INGEST] =
        {"ingest", "URI TABLE FILE", 3, 3, "load an Arrow file into a table",
         "FILE is an Arrow file or stream, whatever it is called; \"-\" reads a stream from "
         "standard input. The rows are in the table when the exit code is 0; what a server keeps "
         "of an upload that fails is up to it."},
    [CLI_COMMAND_ACTIONS] = {"actions", "URI", 1, 1, "list the actions of a server",
                             "One line per action: type and description, separated by a tab."},
    [CLI_COMMAND_ACTION] =
        {"action", "URI TYPE [BODY]", 2, 3, "run an action",
         "Sends BODY (empty if not given, standard input if \"-\") and prints each result followed "
         "by a line end. On a terminal, bytes that are not text are escaped."},
    [CLI_COMMAND_PING] = {"ping", "URI", 1, 1, "see whether a server answers",
                          "Connects, asks for the list of actions and waits for the first sign of "
                          "an answer. A server that has no actions counts as well."},
    [CLI_COMMAND_VERSION] = {"version", "", 0, 0, "show the version",
                             "One line: the name cflight and its version. With --all, one more "
                             "line for each library that it runs with."},
};

const size_t cli_positionals[CLI_COMMAND_COUNT][CLI_POSITIONALS_MAX] = {
    [CLI_COMMAND_SERVE] = {ARGUMENT(serve.source)},
    [CLI_COMMAND_LIST] = {ARGUMENT(client.uri), ARGUMENT(list_pattern)},
    [CLI_COMMAND_INFO] = {ARGUMENT(client.uri), ARGUMENT(flight.name)},
    [CLI_COMMAND_SCHEMA] = {ARGUMENT(client.uri), ARGUMENT(flight.name)},
    [CLI_COMMAND_GET] = {ARGUMENT(client.uri), ARGUMENT(flight.name)},
    [CLI_COMMAND_PUT] = {ARGUMENT(client.uri), ARGUMENT(flight.name), ARGUMENT(source_path)},
    [CLI_COMMAND_SQL] = {ARGUMENT(client.uri), ARGUMENT(sql.statement)},
    [CLI_COMMAND_TABLES] = {ARGUMENT(client.uri), ARGUMENT(tables.pattern)},
    [CLI_COMMAND_INGEST] = {ARGUMENT(client.uri), ARGUMENT(ingest.table), ARGUMENT(source_path)},
    [CLI_COMMAND_ACTIONS] = {ARGUMENT(client.uri)},
    [CLI_COMMAND_ACTION] = {ARGUMENT(client.uri), ARGUMENT(action.type), ARGUMENT(action.body)},
    [CLI_COMMAND_PING] = {ARGUMENT(client.uri)},
};

const struct cli_option cli_options[] = {
    {"help", 'h', NULL, FLAG(wants_help), EVERY, "Show this text."},
    {"version", '\0', NULL, FLAG(wants_version), EVERY, "Show the version."},
    {"all", '\0', NULL, FLAG(version_all), BIT(VERSION),
     "Show the versions of the libraries as well, as they are loaded now: OpenSSL, nghttp2 and the "
     "others."},
    {"quiet", 'q', NULL, FLAG(is_quiet), CONNECTED,
     "No progress and no notes on standard error; failures are still reported."},
    {"timeout", '\0', "SECONDS", SECONDS(client.timeout_ms), CLIENTS,
     "Limit on the whole command, at a prompt on each statement. Default: none."},
    {"connect-timeout", '\0', "SECONDS", SECONDS_MIN(client.options.connect_timeout_ms), CLIENTS,
     "Limit on connecting, from name lookup to the server's first words. Default: 20."},
    {"idle-timeout", '\0', "SECONDS", SECONDS(client.idle_timeout_ms), CLIENTS,
     "Limit on any single wait for the server. Default: none."},
    {"proxy", '\0', "URI", TEXT(client.options.proxy), CLIENTS,
     "Go through the HTTP proxy http://HOST:PORT, or through none if URI is empty. Default: the "
     "first of grpc_proxy, https_proxy and http_proxy that is set. Hosts in no_grpc_proxy, or else "
     "no_proxy, are reached directly."},
    {"no-shared-bodies", '\0', NULL, FLAG(client.options.shared_bodies_are_off), CLIENTS,
     "Over grpc+unix: let no batches go through memory that is shared with the server's process."},
    {"header", 'H', "'NAME: VALUE'", LIST(client.headers), CLIENTS,
     "Send a header with every call. May be given several times."},
    {"user", 'u', "NAME", TEXT(client.user), CLIENTS,
     "Log in with this name. The password comes from --password-file, else from CFLIGHT_PASSWORD, "
     "else it is asked for on the terminal."},
    {"password-file", '\0', "FILE", TEXT(client.password_path), CLIENTS,
     "Read the password from the first line of FILE."},
    {"token-file", '\0', "FILE", TEXT(client.token_path), CLIENTS,
     "Send the first line of FILE as a bearer token. Without it and without --user, CFLIGHT_TOKEN "
     "is used if it is set."},
    {"oauth-file", '\0', "FILE", TEXT(client.oauth_path), CLIENTS,
     "Ask a token server (OAuth 2.0) for bearer tokens, as FILE says in lines of NAME = VALUE: "
     "flow "
     "(client_credentials or token_exchange), token_uri, client_id, client_secret, scope, "
     "resource, "
     "audience, exchange.subject_token and its exchange.subject_token_type, exchange.actor_token "
     "and its type, exchange.requested_token_type, client_auth (basic or form), root_certs_file, "
     "allow_http. The names that Arrow's JDBC and ADBC drivers have for them will do."},
    {"tls-roots", '\0', "FILE", TEXT(client.roots_path), CLIENTS,
     "Trust the certificates in FILE (PEM) instead of those in the file that "
     "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names, or else the system's."},
    {"tls-cert", '\0', "FILE", TEXT(client.cert_path), CLIENTS,
     "Show this certificate chain (PEM) to the server; needs --tls-key."},
    {"tls-key", '\0', "FILE", TEXT(client.key_path), CLIENTS, "Private key (PEM) of --tls-cert."},
    {"tls-name", '\0', "NAME", TEXT(client.options.tls.override_hostname), CLIENTS,
     "Name to look for in the server's certificate instead of the URI's host."},
    {"tls-allow-common-name", '\0', NULL, FLAG(client.options.tls.allow_common_name), CLIENTS,
     "Believe the common name of a certificate that has no alternative names. Old certificates are "
     "like that."},
    {"tls-skip-verify", '\0', NULL, FLAG(client.options.tls.skip_verification), CLIENTS,
     "Accept any certificate. Anybody in between can then read and change everything."},
    {"tls-crl", '\0', "FILE", TEXT(tls.crl_path), CONNECTED,
     "Refuse certificates that are revoked by the lists in FILE (PEM), and those of issuers that "
     "have none there."},
    {"tls-min-version", '\0', "VERSION", TLS_VERSION(tls.policy.min_version), CONNECTED,
     "Lowest TLS version, 1.2 or 1.3. Default: 1.2."},
    {"tls12-ciphers", '\0', "LIST", TEXT(tls.policy.tls12_ciphers), CONNECTED,
     "Ciphers of TLS 1.2 by OpenSSL's names, with colons between them, in the order of preference. "
     "Default: all with AES-GCM or ChaCha20-Poly1305."},
    {"tls13-ciphers", '\0', "LIST", TEXT(tls.policy.tls13_ciphers), CONNECTED,
     "The same for TLS 1.3."},
    {"cmd", '\0', NULL, FLAG(flight.is_command), NAMED, "NAME is a command, not a path."},
    {"split", '\0', NULL, FLAG(flight.is_split), NAMED,
     "Split NAME at each \"/\" into the elements of a path. Default: NAME is one element."},
    {"ticket", '\0', "TEXT", TEXT(get_ticket), BIT(GET),
     "Fetch this ticket from the server itself, without looking up a flight."},
    {"trust-locations", '\0', NULL, FLAG(result.trusts_locations), RESULTS,
     "Send password, token and headers to every location that the server names. Default: only to "
     "the host of URI, and never from TLS to plain text."},
    {"output", 'o', "FILE", TEXT(result.path), RESULTS,
     "Write to FILE, or to standard output if FILE is \"-\"."},
    {"format", '\0', "FORMAT", FORMAT(result.format), RESULTS,
     "Output format: arrow, arrows, csv, jsonl or table."},
    {"rows", 'n', "N", ROWS(result.row_count), RESULTS,
     "Stop after N rows. Default: all, but of a flight that is shown as a table 10, and of a query "
     "100."},
    {"vertical", '\0', NULL, FLAG(result.is_vertical), RESULTS,
     "Show a table as a line for each value: all columns, and nothing cut to the width of the "
     "terminal."},
    {"update", '\0', NULL, FLAG(sql.is_update), BIT(SQL),
     "The statements change something: send them as updates, without asking, and print on standard "
     "output how many rows."},
    {"time", '\0', NULL, FLAG(sql.shows_time), BIT(SQL),
     "Tell on standard error how long each statement took, up to its last row."},
    {"transaction", '\0', NULL, FLAG(sql.is_transaction), BIT(SQL),
     "Run all statements in one transaction, which is rolled back when one fails. The server must "
     "have transactions."},
    {"catalog", '\0', "NAME", TEXT(tables.catalog), BIT(TABLES) | BIT(INGEST),
     "The catalog of the table. Default: any, or the one that the server takes."},
    {"schema", '\0', "PATTERN", TEXT(tables.db_schema), BIT(TABLES),
     "Only tables of the schemas that match PATTERN."},
    {"schema", '\0', "NAME", TEXT(tables.db_schema), BIT(INGEST),
     "The schema of the table. Default: the one that the server takes."},
    {"type", '\0', "TYPE", LIST(tables.types), BIT(TABLES),
     "Only tables of this type, such as VIEW. May be given several times."},
    {"columns", '\0', NULL, FLAG(tables.shows_columns), BIT(TABLES),
     "Show the columns of the tables instead: a row for each, with its type, and whether it may be "
     "null."},
    {"mode", '\0', "MODE", INGEST_MODE(ingest.mode), BIT(INGEST),
     "create (the table must not be there), append (it must be), create-append (either) or replace "
     "(what is there is dropped). Default: create."},
    {"temporary", '\0', NULL, FLAG(ingest.is_temporary), BIT(INGEST),
     "A table for this session only, for servers that have such."},
    {"results", '\0', NULL, FLAG(put_shows_results), BIT(PUT),
     "Print what the server answers during the upload (the metadata of every PutResult), one line "
     "each."},
    {"compression", '\0', "CODEC", CODEC(codec), DATA,
     "Compress the Arrow data that is written or sent: none, lz4 or zstd. Default: what get and "
     "serve "
     "pass on stays as it is; otherwise none."},
    {"unpack-max", '\0', "SIZE", SIZE(read_options.unpacked_bytes_max), DATA,
     "Most bytes that the compressed data of one batch may unpack to; k, M, G and T are powers of "
     "1024. Default: 256M, or 256 times the batch where that is more."},
    {"whole-dictionaries", '\0', NULL, FLAG(write_options.send_whole_dictionaries), DATA,
     "Write dictionaries that grow whole with every batch, for readers that cannot join deltas "
     "(polars). Default: what was added."},
    {"listen", '\0', "URI", LIST(serve.listen), BIT(SERVE),
     "Address to listen on. Port 0 takes a free one; grpc+tls:// needs --tls-cert and --tls-key; "
     "grpc+unix:///PATH is a Unix socket; fd:NAME, or fd+tls:NAME with TLS, are the sockets of "
     "that name which systemd has passed. May be given several times. Default: all sockets that "
     "were passed, with TLS if there is a certificate, or else grpc://localhost:32010."},
    {"advertise", '\0', "URI", LIST(serve.advertise), BIT(SERVE),
     "Where clients are told to fetch flights, for servers behind a name that they do not listen "
     "on themselves. Several are ways to the same server. Default: where they have asked."},
    {"location", '\0', "URI", LIST(serve.replicas), BIT(SERVE),
     "With --advertise: another server of the same files, which every endpoint names as well, so "
     "that clients read there when this one fails; as often as there are. Copies of files must "
     "keep their times (cp -p, rsync -t)."},
    {"writable", 'w', NULL, FLAG(serve.is_writable), BIT(SERVE),
     "Accept uploads. A flight appears when all of it has arrived and is on disk."},
    {"overwrite", '\0', NULL, FLAG(serve.may_overwrite), BIT(SERVE),
     "With --writable: an upload replaces a flight of the same name. Default: it is refused with "
     "ALREADY_EXISTS."},
    {"endpoint-bytes", '\0', "SIZE", SIZE(serve.endpoint_bytes), BIT(SERVE),
     "Of a directory: a larger Arrow file has several endpoints of about this size, which clients "
     "can read side by side. Their metadata, 'cflight.stable', says that a ticket gives the same "
     "batches whenever it is read, or an error. Default: 128M."},
    {"upload-max", '\0', "SIZE", SIZE(serve.upload_bytes_max), BIT(SERVE),
     "With --writable: refuse uploads that would make all flights together larger than this; k, M, "
     "G and T are powers of 1024. Default: none, so uploads may fill the disk."},
    {"upload-files-max", '\0', "N", SIZE(serve.upload_files_max), BIT(SERVE),
     "With --writable: refuse uploads of new flights when there are this many. Default: none."},
    {"upload-user-max", '\0', "SIZE", SIZE(serve.upload_user_bytes_max), BIT(SERVE),
     "With --writable: refuse uploads that would make what one user has uploaded larger than this. "
     "Users are told apart by login, else by certificate, else by address. Default: none."},
    {"grace", '\0', "SECONDS", SECONDS(serve.grace_ms), BIT(SERVE),
     "How long running calls may go on after a signal. Default: 30."},
    {"drain-delay", '\0', "SECONDS", SECONDS(serve.drain_delay_ms), BIT(SERVE),
     "After a signal, say NOT_SERVING to those who ask for the health, and serve everybody as "
     "before for so long: until balancers have noticed. Default: 0."},
    {"handlers-max", '\0', "N", COUNT(serve.options.handlers_max), BIT(SERVE),
     "Most calls that are worked on at once; further ones wait. Those that wait for their client "
     "are not among them. Default: 64."},
    {"waiting-max", '\0', "N", COUNT(serve.options.waiting_max), BIT(SERVE),
     "Most calls that wait for their client with a thread of their own: uploads that do not go on, "
     "lists that are not read on; downloads have none. When there are as many, new uploads, "
     "downloads and lists are refused with UNAVAILABLE. Default: 4096."},
    {"health-watchers-max", '\0', "N", COUNT(serve.health_watchers_max), BIT(SERVE),
     "Most callers that watch the health at once, each of which has a thread; further ones are "
     "refused. Default: 64."},
    {"queue-max", '\0', "N", COUNT(serve.options.queue_max), BIT(SERVE),
     "Most calls that wait to be worked on. When there are as many, connections that have more "
     "than their share are refused with UNAVAILABLE. Default: 1024."},
    {"connections-max", '\0', "N", COUNT(serve.options.connections_max), BIT(SERVE),
     "Most connections; further ones are closed. Default: 10000."},
    {"address-connections-max", '\0', "N", COUNT(serve.options.connections_per_address_max),
     BIT(SERVE),
     "Most connections from one address (IPv6: from one network of 64 bits); further ones are "
     "closed, and others go on connecting. Not for servers behind a proxy, whose address all "
     "clients have. Default: none."},
    {"connection-calls-max", '\0', "N", COUNT(serve.options.calls_per_connection_max), BIT(SERVE),
     "Most calls at once on one connection. Default: 2048."},
    {"unread-max", '\0', "SIZE", SIZE(serve.options.unread_bytes_max), BIT(SERVE),
     "Most bytes that all clients together may have sent and the server has not taken yet; one "
     "connection may have half of them. Default: half of the machine's memory."},
    {"stream-window", '\0', "SIZE", SMALL_SIZE(serve.options.stream_window_bytes), BIT(SERVE),
     "Bytes of one upload that may wait before its client is held back. Default: 4M."},
    {"message-max", '\0', "SIZE", SIZE(serve.options.message_bytes_max), BIT(SERVE),
     "Largest message that is accepted, such as a batch of an upload. Default: 4G, less a byte."},
    {"metadata-max", '\0', "SIZE", SMALL_SIZE(serve.options.metadata_bytes_max), BIT(SERVE),
     "Largest block of headers of a call. Default: 64k."},
    {"pool-max", '\0', "SIZE", SIZE(serve.options.pool_bytes_max), BIT(SERVE),
     "Most memory that is kept for the next messages while nobody needs it. Default: 64M."},
    {"batch-max", '\0', "SIZE", SIZE(serve.options.split_batch_bytes), BIT(SERVE),
     "Send batches that are larger as several, for clients that take no large messages. Default: "
     "4M less 64k."},
    {"whole-batches", '\0', NULL, FLAG(serve.options.split_is_off), BIT(SERVE),
     "Send batches whole, however large they are."},
    {"no-shared-bodies", '\0', NULL, FLAG(serve.options.shared_bodies_are_off), BIT(SERVE),
     "Over grpc+unix: let no batches go through memory that is shared with the client's process."},
    {"message-timeout", '\0', "SECONDS", TIME_LIMIT(serve.options.message_timeout_ms), BIT(SERVE),
     "Limit from the headers of a call to its first message; 0 is none. Default: 30."},
    {"idle-timeout", '\0', "SECONDS", TIME_LIMIT(serve.options.idle_timeout_ms), BIT(SERVE),
     "Limit on a wait for a client while no byte moves: a download that is not read on, an upload "
     "that does not go on; 0 is none. Default: 600."},
    {"contended-timeout", '\0', "SECONDS", TIME_LIMIT(serve.options.contended_timeout_ms),
     BIT(SERVE),
     "The same while others are refused because of --waiting-max; 0 is none. Default: 60."},
    {"connection-idle-timeout", '\0', "SECONDS", TIME_LIMIT(serve.options.connection_idle_ms),
     BIT(SERVE), "Close connections that have no call for so long; 0 is never. Default: 1800."},
    {"keepalive", '\0', "SECONDS", SECONDS(serve.options.keepalive_interval_ms), BIT(SERVE),
     "Ask clients that say nothing for so long whether they are there; 0 is never. Default: 0."},
    {"keepalive-timeout", '\0', "SECONDS", SECONDS(serve.options.keepalive_timeout_ms), BIT(SERVE),
     "With --keepalive: close connections of clients that do not answer for so long. Default: 20."},
    {"read-only", '\0', NULL, FLAG(serve.database.is_read_only), BIT(SERVE),
     "Of a database: take queries only, and have the database itself refuse to write; fails where "
     "it cannot."},
    {"init", '\0', "FILE", TEXT(serve.database.init_path), BIT(SERVE),
     "Run the SQL in FILE on every connection to the database before it is used."},
    {"query-timeout", '\0', "SECONDS", TIME_LIMIT(serve.database.query_ms), BIT(SERVE),
     "Cancel statements that keep the database busy for longer; 0 is no limit. Default: none."},
    {"transaction-timeout", '\0', "SECONDS", SECONDS_MIN(serve.database.transaction_idle_ms),
     BIT(SERVE), "Roll back transactions that no call has used for so long. Default: 300."},
    {"result-rows-max", '\0', "N", SIZE(serve.database.result_rows_max), BIT(SERVE),
     "Most rows of one result; a larger one ends with an error. Default: none."},
    {"database-connections-max", '\0', "N", COUNT(serve.database.connections_max), BIT(SERVE),
     "Most connections to the database; who needs one more waits up to 5 seconds, and is refused "
     "then. Default: 64."},
    {"tls-cert", '\0', "FILE", TEXT(serve.cert_path), BIT(SERVE),
     "Certificate chain (PEM) of the server."},
    {"tls-key", '\0', "FILE", TEXT(serve.key_path), BIT(SERVE), "Private key (PEM) of the server."},
    {"tls-ca", '\0', "FILE", TEXT(serve.ca_path), BIT(SERVE),
     "Require a client certificate that is signed by one in FILE (PEM)."},
    {"auth-file", '\0', "FILE", TEXT(serve.auth_path), BIT(SERVE),
     "Let in only the users in FILE: lines of NAME:HASH, with hashes as openssl passwd -6 makes "
     "them. Only the owner of FILE may have the right to write it, and on an address that other "
     "machines reach it needs TLS; the two options below lift that."},
    {"token-lifetime", '\0', "SECONDS", TIME_LIMIT(serve.auth.token_lifetime_ms), BIT(SERVE),
     "With --auth-file: how long a login is good; 0 is without end. Default: 3600."},
    {"tokens-max", '\0', "N", COUNT(serve.auth.tokens_max), BIT(SERVE),
     "With --auth-file: most logins that are good at once; the oldest go first. Default: 10000."},
    {"user-tokens-max", '\0', "N", COUNT(serve.auth.tokens_per_identity_max), BIT(SERVE),
     "The same for one user. Default: 64."},
    {"logins-max", '\0', "N", COUNT(serve.auth.verifications_max), BIT(SERVE),
     "With --auth-file: most passwords that are verified at once, since that is made to be slow. "
     "Default: 8."},
    {"rights", '\0', "FILE", TEXT(serve.rights_path), BIT(SERVE),
     "Which users see and upload which flights, or read and write a database. In FILE, [NAME] "
     "begins what a "
     "user may, [*] what those may who have no such section; read = PREFIX and write = PREFIX "
     "allow the flight PREFIX and those below PREFIX/, and * is every flight. What is not allowed "
     "is not there (NOT_FOUND), or refused (PERMISSION_DENIED) if it is an upload. Of a database "
     "every value is *: who may read, and not write, gets connections that the database itself "
     "keeps from writing."},
    {"allow-writable-auth-file", '\0', NULL, FLAG(serve.takes_writable_auth_file), BIT(SERVE),
     "With --auth-file: take FILE although its group or others may write it, and so let themselves "
     "in."},
    {"allow-plain-passwords", '\0', NULL, FLAG(serve.takes_plain_passwords), BIT(SERVE),
     "With --auth-file: take passwords and tokens without TLS on an address that other machines "
     "reach. Whoever is on the way can read them."},
    {"access-log", '\0', "FILE", TEXT(serve.access_log_path), BIT(SERVE),
     "Append a line to FILE for each call when it is over; - is standard error. SIGHUP opens FILE "
     "again."},
    {"log-level", '\0', "LEVEL", LOG_LEVEL(serve.log_level), BIT(SERVE),
     "Which messages go to standard error: error, warn (refused clients, files that cannot be "
     "served), notice (starts, ends, what was read again), info (handshakes, closed connections), "
     "debug; each with those before it. Default: notice."},
    {"log-format", '\0', "FORMAT", LOG_FORMAT(serve.log_is_json), BIT(SERVE),
     "text or json: of the messages on standard error, and of --access-log. Default: text."},
    {"metrics", '\0', "ADDRESS", TEXT(serve.metrics_address), BIT(SERVE),
     "Count calls, latencies, bytes, limits and more, and answer Prometheus at "
     "http://ADDRESS/metrics, with neither password nor encryption; ADDRESS is 127.0.0.1:9090, "
     "say, and port 0 takes a free one. Default: none."},
};

const struct cli_heading cli_headings[] = {
    {CLI_COMMAND_SERVE, "listen", "Where it listens"},
    {CLI_COMMAND_SERVE, "writable", "Uploads"},
    {CLI_COMMAND_SERVE, "grace", "The end"},
    {CLI_COMMAND_SERVE, "handlers-max", "Numbers of calls and connections"},
    {CLI_COMMAND_SERVE, "unread-max", "Memory and sizes"},
    {CLI_COMMAND_SERVE, "message-timeout", "Times"},
    {CLI_COMMAND_SERVE, "read-only", "Databases"},
    {CLI_COMMAND_SERVE, "tls-cert", "TLS and users"},
    {CLI_COMMAND_SERVE, "access-log", "Log and metrics"},
};

const size_t cli_heading_count = sizeof cli_headings / sizeof *cli_headings;
const size_t cli_option_count = sizeof cli_options / sizeof *cli_options;

bool cli_option_fits(const struct cli_option *option, enum cli_command_id command)
{
    return (option->commands >> command & 1u) != 0;
}

bool cli_command_find(const char *name, enum cli_command_id *ret_command)
{
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        if (strcmp(cli_commands[i].name, name) == 0) {
            *ret_command = (enum cli_command_id)i;
            return true;
        }
    }
    return false;
}
