/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of commands and options. docs/man/cflight.1 is made from them and a test compares the
 * two. */
#include "cli/commands/command_table.h"

#define BIT(name) (1u << CLI_COMMAND_##name)
#define EVERY ((1u << CLI_COMMAND_COUNT) - 1u)
#define CONNECTED (EVERY & ~BIT(VERSION))
#define CLIENTS (CONNECTED & ~BIT(SERVE))
#define NAMED (BIT(INFO) | BIT(SCHEMA) | BIT(GET) | BIT(PUT))

const struct cli_command cli_commands[CLI_COMMAND_COUNT] = {
    [CLI_COMMAND_SERVE] = {"serve", "DIR", 1, 1, "serve the Arrow files below a directory",
                           "Every file below DIR that ends in .arrow or .feather (Arrow file) or "
                           ".arrows (Arrow stream) is a "
                           "flight; its name is its path below DIR without the ending. Files are "
                           "mapped into memory and sent "
                           "without copying. New files appear without a restart; replace files by "
                           "renaming, never by writing "
                           "into them. Files and directories whose name begins with a dot are not "
                           "served, nor are links that "
                           "lead out of DIR.\n\n"
                           "The line \"Listening on grpc://HOST:PORT\" on standard output says "
                           "that the server is ready. SIGINT "
                           "or SIGTERM end it: no new calls are taken and running ones may finish; "
                           "a second signal cuts them. "
                           "SIGHUP reads certificates and users again, each for itself, and says "
                           "what came of it. Users who are gone from --auth-file, or have another "
                           "hash there, are logged out by it. A wrong password leaves a line "
                           "\"login failed from HOST port N for 'NAME'\" on standard error."},
    [CLI_COMMAND_LIST] = {"list", "URI [PATTERN]", 1, 2, "list the flights of a server",
                          "One line per flight: name, rows, bytes, separated by tabs; unknown "
                          "numbers are empty. On a terminal "
                          "the columns are aligned. PATTERN is sent to the server as the criteria; "
                          "cflight serve takes a "
                          "beginning of names, or a pattern with *, ? and [...]."},
    [CLI_COMMAND_INFO] = {"info", "URI NAME", 2, 2, "describe a flight",
                          "Shows what GetFlightInfo answers: rows, bytes, endpoints with their "
                          "locations and tickets, schema."},
    [CLI_COMMAND_SCHEMA] =
        {"schema", "URI NAME", 2, 2, "show the schema of a flight",
         "One line per column: name, type, and \"not null\" where nulls are excluded."},
    [CLI_COMMAND_GET] = {"get", "URI [NAME]", 1, 2, "fetch a flight",
                         "Asks for the flight's endpoints and fetches all of them, in order. "
                         "Several locations of one endpoint "
                         "are replicas: the next is tried when nothing has come from the one "
                         "before. With --ticket no flight is "
                         "looked up.\n\n"
                         "Without -o, the first rows are shown as a table. With -o, the ending of "
                         "FILE chooses the format: "
                         ".arrow or .feather (Arrow file), .arrows (Arrow stream), .csv, .jsonl or "
                         ".ndjson; \"-\" is standard "
                         "output and the stream format unless --format says otherwise. FILE "
                         "appears when everything has "
                         "arrived; after a failure nothing is left of it."},
    [CLI_COMMAND_PUT] =
        {"put", "URI NAME FILE", 3, 3, "upload an Arrow file",
         "FILE is an Arrow file or stream, whatever it is called; \"-\" reads a stream from "
         "standard input. The "
         "upload has succeeded when the exit code is 0: the server has confirmed the end of it."},
    [CLI_COMMAND_ACTIONS] = {"actions", "URI", 1, 1, "list the actions of a server",
                             "One line per action: type and description, separated by a tab."},
    [CLI_COMMAND_ACTION] =
        {"action", "URI TYPE [BODY]", 2, 3, "run an action",
         "Sends BODY (empty if not given, standard input if \"-\") and prints each result "
         "followed by a line end. On a terminal, bytes that are not text are escaped."},
    [CLI_COMMAND_PING] =
        {"ping", "URI", 1, 1, "see whether a server answers",
         "Connects, asks for the list of actions and waits for the first sign of an answer. A "
         "server that has no actions counts as well."},
    [CLI_COMMAND_VERSION] =
        {"version", "", 0, 0, "show the version",
         "One line: the name cflight and its version. With --all, one more line for each library "
         "that it runs with."},
};

const struct cli_option cli_options[CLI_OPTION_COUNT] = {
    [CLI_OPTION_HELP] = {"help", 'h', NULL, CLI_VALUE_FLAG, EVERY, "Show this text."},
    [CLI_OPTION_VERSION] = {"version", '\0', NULL, CLI_VALUE_FLAG, EVERY, "Show the version."},
    [CLI_OPTION_ALL] = {"all", '\0', NULL, CLI_VALUE_FLAG, BIT(VERSION),
                        "Show the versions of the libraries as well, as they are loaded now: "
                        "OpenSSL, nghttp2 and the others."},
    [CLI_OPTION_QUIET] =
        {"quiet", 'q', NULL, CLI_VALUE_FLAG, CONNECTED,
         "No progress and no notes on standard error; failures are still reported."},
    [CLI_OPTION_TIMEOUT] = {"timeout", '\0', "SECONDS", CLI_VALUE_SECONDS, CLIENTS,
                            "Limit on the whole command. Default: none."},
    [CLI_OPTION_CONNECT_TIMEOUT] =
        {"connect-timeout", '\0', "SECONDS", CLI_VALUE_SECONDS, CLIENTS,
         "Limit on connecting, from name lookup to the server's first words. Default: 20."},
    [CLI_OPTION_IDLE_TIMEOUT] = {"idle-timeout", '\0', "SECONDS", CLI_VALUE_SECONDS, CLIENTS,
                                 "Limit on any single wait for the server. Default: none."},
    [CLI_OPTION_PROXY] =
        {"proxy", '\0', "URI", CLI_VALUE_TEXT, CLIENTS,
         "Go through the HTTP proxy http://HOST:PORT, or through none if URI is empty. Default: "
         "the first of grpc_proxy, https_proxy and http_proxy that is set. Hosts in "
         "no_grpc_proxy, or else no_proxy, are reached directly."},
    [CLI_OPTION_HEADER] = {"header", 'H', "'NAME: VALUE'", CLI_VALUE_LIST, CLIENTS,
                           "Send a header with every call. May be given several times."},
    [CLI_OPTION_USER] =
        {"user", 'u', "NAME", CLI_VALUE_TEXT, CLIENTS,
         "Log in with this name. The password comes from --password-file, else from "
         "CFLIGHT_PASSWORD, else it is asked for on the terminal."},
    [CLI_OPTION_PASSWORD_FILE] = {"password-file", '\0', "FILE", CLI_VALUE_TEXT, CLIENTS,
                                  "Read the password from the first line of FILE."},
    [CLI_OPTION_TOKEN_FILE] =
        {"token-file", '\0', "FILE", CLI_VALUE_TEXT, CLIENTS,
         "Send the first line of FILE as a bearer token. Without it and without --user, "
         "CFLIGHT_TOKEN is used if it is set."},
    [CLI_OPTION_TLS_ROOTS] =
        {"tls-roots", '\0', "FILE", CLI_VALUE_TEXT, CLIENTS,
         "Trust the certificates in FILE (PEM) instead of those in the file that "
         "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names, or else the system's."},
    [CLI_OPTION_TLS_CERT] = {"tls-cert", '\0', "FILE", CLI_VALUE_TEXT, CLIENTS,
                             "Show this certificate chain (PEM) to the server; needs --tls-key."},
    [CLI_OPTION_TLS_KEY] = {"tls-key", '\0', "FILE", CLI_VALUE_TEXT, CLIENTS,
                            "Private key (PEM) of --tls-cert."},
    [CLI_OPTION_TLS_NAME] =
        {"tls-name", '\0', "NAME", CLI_VALUE_TEXT, CLIENTS,
         "Name to look for in the server's certificate instead of the URI's host."},
    [CLI_OPTION_TLS_COMMON_NAME] = {"tls-allow-common-name", '\0', NULL, CLI_VALUE_FLAG, CLIENTS,
                                    "Believe the common name of a certificate that has no "
                                    "alternative names. Old certificates are like that."},
    [CLI_OPTION_TLS_SKIP_VERIFY] =
        {"tls-skip-verify", '\0', NULL, CLI_VALUE_FLAG, CLIENTS,
         "Accept any certificate. Anybody in between can then read and change "
         "everything."},
    [CLI_OPTION_TLS_CRL] = {"tls-crl", '\0', "FILE", CLI_VALUE_TEXT, CONNECTED,
                            "Refuse certificates that are revoked by the lists in FILE (PEM), and "
                            "those of issuers that have none there."},
    [CLI_OPTION_TLS_MIN_VERSION] = {"tls-min-version", '\0', "VERSION", CLI_VALUE_TEXT, CONNECTED,
                                    "Lowest TLS version, 1.2 or 1.3. Default: 1.2."},
    [CLI_OPTION_TLS12_CIPHERS] =
        {"tls12-ciphers", '\0', "LIST", CLI_VALUE_TEXT, CONNECTED,
         "Ciphers of TLS 1.2 by OpenSSL's names, with colons between them, in the order of "
         "preference. Default: all with AES-GCM or ChaCha20-Poly1305."},
    [CLI_OPTION_TLS13_CIPHERS] = {"tls13-ciphers", '\0', "LIST", CLI_VALUE_TEXT, CONNECTED,
                                  "The same for TLS 1.3."},
    [CLI_OPTION_CMD] = {"cmd", '\0', NULL, CLI_VALUE_FLAG, NAMED, "NAME is a command, not a path."},
    [CLI_OPTION_SPLIT] =
        {"split", '\0', NULL, CLI_VALUE_FLAG, NAMED,
         "Split NAME at each \"/\" into the elements of a path. Default: NAME is one element."},
    [CLI_OPTION_TICKET] =
        {"ticket", '\0', "TEXT", CLI_VALUE_TEXT, BIT(GET),
         "Fetch this ticket from the server itself, without looking up a flight."},
    [CLI_OPTION_TRUST_LOCATIONS] =
        {"trust-locations", '\0', NULL, CLI_VALUE_FLAG, BIT(GET),
         "Send password, token and headers to every location that the server "
         "names. Default: only to the host of URI, and never from TLS to plain "
         "text."},
    [CLI_OPTION_OUTPUT] = {"output", 'o', "FILE", CLI_VALUE_TEXT, BIT(GET),
                           "Write to FILE, or to standard output if FILE is \"-\"."},
    [CLI_OPTION_FORMAT] = {"format", '\0', "FORMAT", CLI_VALUE_FORMAT, BIT(GET),
                           "Output format: arrow, arrows, csv, jsonl or table."},
    [CLI_OPTION_ROWS] = {"rows", 'n', "N", CLI_VALUE_ROWS, BIT(GET),
                         "Stop after N rows. Default: 10 for a table, otherwise all."},
    [CLI_OPTION_VERTICAL] = {"vertical", '\0', NULL, CLI_VALUE_FLAG, BIT(GET),
                             "Show a table as a line for each value: all columns, and nothing cut "
                             "to the width of the terminal."},
    [CLI_OPTION_RESULTS] =
        {"results", '\0', NULL, CLI_VALUE_FLAG, BIT(PUT),
         "Print what the server answers during the upload (the metadata of every "
         "PutResult), one line each."},
    [CLI_OPTION_COMPRESSION] =
        {"compression", '\0', "CODEC", CLI_VALUE_CODEC, BIT(GET) | BIT(PUT) | BIT(SERVE),
         "Compress the Arrow data that is written or sent: none, lz4 or zstd. "
         "Default: none."},
    [CLI_OPTION_UNPACK_MAX] =
        {"unpack-max", '\0', "SIZE", CLI_VALUE_SIZE, BIT(GET) | BIT(PUT) | BIT(SERVE),
         "Most bytes that the compressed data of one batch may unpack to; k, M, G and T are powers "
         "of 1024. Default: 256M, or 256 times the batch where that is more."},
    [CLI_OPTION_WHOLE_DICTIONARIES] =
        {"whole-dictionaries", '\0', NULL, CLI_VALUE_FLAG, BIT(GET) | BIT(PUT) | BIT(SERVE),
         "Write dictionaries that grow whole with every batch, for readers that cannot join deltas "
         "(polars). Default: what was added."},
    [CLI_OPTION_LISTEN] =
        {"listen", '\0', "URI", CLI_VALUE_TEXT, BIT(SERVE),
         "Address to listen on. Port 0 takes a free one; grpc+tls:// needs --tls-cert and "
         "--tls-key; grpc+unix:///PATH is a Unix socket. Default: grpc://localhost:32010."},
    [CLI_OPTION_WRITABLE] =
        {"writable", 'w', NULL, CLI_VALUE_FLAG, BIT(SERVE),
         "Accept uploads. A flight appears when all of it has arrived and is on disk."},
    [CLI_OPTION_OVERWRITE] =
        {"overwrite", '\0', NULL, CLI_VALUE_FLAG, BIT(SERVE),
         "With --writable: an upload replaces a flight of the same name. Default: it is "
         "refused with ALREADY_EXISTS."},
    [CLI_OPTION_UPLOAD_MAX] =
        {"upload-max", '\0', "SIZE", CLI_VALUE_SIZE, BIT(SERVE),
         "With --writable: refuse uploads that would make all flights together larger than this; "
         "k, "
         "M, G and T are powers of 1024. Default: none, so uploads may fill the disk."},
    [CLI_OPTION_UPLOAD_FILES_MAX] =
        {"upload-files-max", '\0', "N", CLI_VALUE_SIZE, BIT(SERVE),
         "With --writable: refuse uploads of new flights when there are this many. Default: none."},
    [CLI_OPTION_UPLOAD_USER_MAX] =
        {"upload-user-max", '\0', "SIZE", CLI_VALUE_SIZE, BIT(SERVE),
         "With --writable: refuse uploads that would make what one user has uploaded larger than "
         "this. Users are told apart by login, else by certificate, else by address. Default: "
         "none."},
    [CLI_OPTION_GRACE] = {"grace", '\0', "SECONDS", CLI_VALUE_SECONDS, BIT(SERVE),
                          "How long running calls may go on after a signal. Default: 30."},
    [CLI_OPTION_HANDLERS_MAX] =
        {"handlers-max", '\0', "N", CLI_VALUE_COUNT, BIT(SERVE),
         "Most calls that are worked on at once; further ones wait. Those that wait for their "
         "client are not among them. Default: 64."},
    [CLI_OPTION_WAITING_MAX] =
        {"waiting-max", '\0', "N", CLI_VALUE_COUNT, BIT(SERVE),
         "Most calls that wait for their client with a thread of their own: uploads that do not go "
         "on, lists that are not read on; downloads have none. When there are as many, new "
         "uploads, "
         "downloads and lists are refused with UNAVAILABLE. Default: 4096."},
    [CLI_OPTION_QUEUE_MAX] =
        {"queue-max", '\0', "N", CLI_VALUE_COUNT, BIT(SERVE),
         "Most calls that wait to be worked on. When there are as many, connections that have more "
         "than their share are refused with UNAVAILABLE. Default: 1024."},
    [CLI_OPTION_CONNECTIONS_MAX] = {"connections-max", '\0', "N", CLI_VALUE_COUNT, BIT(SERVE),
                                    "Most connections; further ones are closed. Default: 10000."},
    [CLI_OPTION_CONNECTION_CALLS_MAX] = {"connection-calls-max", '\0', "N", CLI_VALUE_COUNT,
                                         BIT(SERVE),
                                         "Most calls at once on one connection. Default: 2048."},
    [CLI_OPTION_UNREAD_MAX] =
        {"unread-max", '\0', "SIZE", CLI_VALUE_SIZE, BIT(SERVE),
         "Most bytes that all clients together may have sent and the server has not taken yet; one "
         "connection may have half of them. Default: half of the machine's memory."},
    [CLI_OPTION_STREAM_WINDOW] =
        {"stream-window", '\0', "SIZE", CLI_VALUE_SIZE, BIT(SERVE),
         "Bytes of one upload that may wait before its client is held back. Default: 4M."},
    [CLI_OPTION_MESSAGE_MAX] =
        {"message-max", '\0', "SIZE", CLI_VALUE_SIZE, BIT(SERVE),
         "Largest message that is accepted, such as a batch of an upload. Default: 4G, less a "
         "byte."},
    [CLI_OPTION_METADATA_MAX] = {"metadata-max", '\0', "SIZE", CLI_VALUE_SIZE, BIT(SERVE),
                                 "Largest block of headers of a call. Default: 64k."},
    [CLI_OPTION_MESSAGE_TIMEOUT] =
        {"message-timeout", '\0', "SECONDS", CLI_VALUE_SECONDS, BIT(SERVE),
         "Limit from the headers of a call to its first message; 0 is none. Default: 30."},
    [CLI_OPTION_SERVER_IDLE_TIMEOUT] =
        {"idle-timeout", '\0', "SECONDS", CLI_VALUE_SECONDS, BIT(SERVE),
         "Limit on a wait for a client while no byte moves: a download that is not read on, an "
         "upload that does not go on; 0 is none. Default: 600."},
    [CLI_OPTION_CONTENDED_TIMEOUT] =
        {"contended-timeout", '\0', "SECONDS", CLI_VALUE_SECONDS, BIT(SERVE),
         "The same while others are refused because of --waiting-max; 0 is none. Default: 60."},
    [CLI_OPTION_CONNECTION_IDLE_TIMEOUT] =
        {"connection-idle-timeout", '\0', "SECONDS", CLI_VALUE_SECONDS, BIT(SERVE),
         "Close connections that have no call for so long; 0 is never. Default: 1800."},
    [CLI_OPTION_SERVER_TLS_CERT] = {"tls-cert", '\0', "FILE", CLI_VALUE_TEXT, BIT(SERVE),
                                    "Certificate chain (PEM) of the server."},
    [CLI_OPTION_SERVER_TLS_KEY] = {"tls-key", '\0', "FILE", CLI_VALUE_TEXT, BIT(SERVE),
                                   "Private key (PEM) of the server."},
    [CLI_OPTION_TLS_CA] = {"tls-ca", '\0', "FILE", CLI_VALUE_TEXT, BIT(SERVE),
                           "Require a client certificate that is signed by one in FILE (PEM)."},
    [CLI_OPTION_AUTH_FILE] =
        {"auth-file", '\0', "FILE", CLI_VALUE_TEXT, BIT(SERVE),
         "Let in only the users in FILE: lines of NAME:HASH, with hashes as openssl passwd "
         "-6 makes them. Only the owner of FILE may have the right to write it, and on an address "
         "that other machines reach it needs TLS; the two options below lift that."},
    [CLI_OPTION_ALLOW_WRITABLE_AUTH_FILE] =
        {"allow-writable-auth-file", '\0', NULL, CLI_VALUE_FLAG, BIT(SERVE),
         "With --auth-file: take FILE although its group or others may write it, and so let "
         "themselves in."},
    [CLI_OPTION_ALLOW_PLAIN_PASSWORDS] =
        {"allow-plain-passwords", '\0', NULL, CLI_VALUE_FLAG, BIT(SERVE),
         "With --auth-file: take passwords and tokens without TLS on an address that other "
         "machines reach. Whoever is on the way can read them."},
};

bool cli_option_fits(enum cli_option_id option, enum cli_command_id command)
{
    return (cli_options[option].commands >> command & 1u) != 0;
}
