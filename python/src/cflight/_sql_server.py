# SPDX-License-Identifier: Apache-2.0
"""The Flight SQL server class: its arguments, and what its methods are for."""

from ._cflight import ServerCore
from ._server import FlightServerBase


class Server(FlightServerBase, ServerCore):
    """A Flight SQL server over a database of yours; subclass it and override :meth:`execute`.

    The library owns what can be got wrong: messages and their schemas, filters, tickets, prepared
    statements and transactions with their owners, limits, the one execution of statements that
    change something, cancelling, and rolling back what clients left behind. A method that is not
    overridden is answered with NotImplementedError, and :meth:`Client.sql_info` says so. What is not
    Flight SQL goes to the methods of :class:`cflight.FlightServerBase`: one server can be both.

    **Sessions.** What :meth:`open_session` returns, mostly a connection to the database, is used by
    one method at a time, on any thread. A client that keeps cookies has one for as long as its
    session lasts; a transaction, a prepared statement or a result has one of its own.

    **Errors.** What a method raises reaches the client as :class:`cflight.FlightServerBase` says:
    raise ValueError for an error in the SQL, and KeyError for what is not there. An attribute
    `sqlstate` of the exception (five digits and capital letters) goes with it.

    Parameters
    ----------
    location, **kwargs
        Those of :class:`cflight.FlightServerBase`.
    sql_info : dict, optional
        What the server says of itself, by names of the specification or numbers; what the library
        knows is added.
    limits : dict, optional
        `statements_max`, `statements_per_owner_max`, `transactions_max`,
        `transactions_per_owner_max`, `savepoints_max`, `results_max`, `results_per_owner_max`,
        `idle_sessions_max`, `result_inline_bytes`, `results_bytes_max`, `bound_bytes_max`,
        `bound_bytes_total_max`, `listing_bytes_max`, `ticket_bytes_max`, `polls_max` and
        `polls_per_owner_max`; in seconds `statement_idle`, `transaction_idle`, `transaction_total`,
        `session_wait`, `result_valid` (a ticket), `result_open` (its stream, before it is fetched),
        `poll_wait` and `poll_idle`.
    ticket_key : bytes, optional
        At least 32 random bytes, the same at every server of a group behind a load balancer. With it
        the ticket of a query carries the statement, and any of them serves it. Needs
        :meth:`prepare`, which says what is a query.

    Raises
    ------
    ValueError
        `sql_info` or `limits` has a name or a value that makes no sense.

    Examples
    --------
    >>> class Numbers(Server):
    ...     def execute(self, call, query, parameters):
    ...         return pa.table({"n": range(int(query))})
    >>> with Numbers("grpc://localhost:0") as server:
    ...     server.serve()
    """

    def __init__(self, location=None, *args, sql_info=None, limits=None, ticket_key=None, **kwargs):
        self._cflight_offered = frozenset(
            name for name in _METHODS if getattr(type(self), name) is not _METHODS[name]
        )
        self._cflight_info = dict(sql_info or {})
        self._cflight_limits = dict(limits or {})
        if ticket_key is not None and not isinstance(ticket_key, bytes):
            raise TypeError(f"ticket_key must be bytes, not {type(ticket_key).__name__}")
        self._cflight_ticket_key = ticket_key or b""
        try:
            super().__init__(location, *args, **kwargs)
        finally:
            del self._cflight_ticket_key

    def execute(self, call, query, parameters):
        """Run a statement: return its rows, or the number of rows that it has affected.

        Rows are anything with ``__arrow_c_stream__`` or ``__arrow_c_array__``, an iterable of
        batches, which is asked for the next one when the client has room, or a pair of schema and
        such an iterable. None is no rows. What changes something runs once for each request.

        Parameters
        ----------
        call : Call
        query : str
        parameters : list of tuple, or None
            The statement runs once for each, as one unit. None when nothing is bound.
        """
        raise NotImplementedError("this server runs no statements")

    def prepare(self, call, query):
        """Plan a statement without running it: return a :class:`Plan`, or None for one unknown.

        With it come prepared statements; the library then calls it before each execution, too.
        """
        raise NotImplementedError("this server has no prepared statements")

    def open_session(self, call):
        """Return a session, any object: mostly a connection to the database."""
        raise NotImplementedError("this server has no sessions")

    def close_session(self, session):
        """End a session, at the latest when the server has shut down.

        Sessions of a server that is dropped without shutdown() are let go of without this call.
        """

    def reset_session(self, session):
        """Make a session as new, for another user too: return whether that worked."""
        raise NotImplementedError("sessions are used once")

    def set_option(self, session, name, value):
        """Set an option of the session that its client has sent, such as "catalog" or "schema".

        `value` is str, bool, int, float or a list of str; None takes the option back. Comes again for
        each when the client's session gets another one of :meth:`open_session`. A KeyError says that
        there is no such option, a ValueError or TypeError that it cannot have this value. Without the
        method all are taken and kept, and nothing else; clients read, set and end them by
        :meth:`~cflight.FlightClient.get_session_options` and its like.
        """
        raise NotImplementedError("options of sessions have no meaning")

    def interrupt(self, session):
        """End soon what the session is doing: its client has cancelled, or has gone.

        Comes from another thread beside the method that runs, and must not wait.
        """
        raise NotImplementedError("statements run to their end")

    def ingest(self, call, target, rows):
        """Store the rows of an upload, all or none: return how many, or None when that is not known.

        Parameters
        ----------
        call : Call
        target : IngestTarget
        rows : pyarrow.RecordBatchReader or RecordBatchReader
            To be read before the method returns.
        """
        raise NotImplementedError("this server takes no uploads")

    def begin(self, session):
        """Begin a transaction. With it come :meth:`commit` and :meth:`rollback`."""
        raise NotImplementedError("this server has no transactions")

    def commit(self, session):
        """End the transaction and keep what it did."""
        raise NotImplementedError("this server has no transactions")

    def rollback(self, session):
        """End the transaction and take back what it did; also for what clients left behind."""
        raise NotImplementedError("this server has no transactions")

    def savepoint(self, session, name):
        """Mark a point in a transaction, named by letters, digits and ``_``.

        With it come :meth:`release_savepoint` and :meth:`rollback_to_savepoint`.
        """
        raise NotImplementedError("this server has no savepoints")

    def release_savepoint(self, session, name):
        """Forget a savepoint, and those after it."""
        raise NotImplementedError("this server has no savepoints")

    def rollback_to_savepoint(self, session, name):
        """Take back what was done since a savepoint, which stays."""
        raise NotImplementedError("this server has no savepoints")

    def list_catalogs(self, call):
        """Return the names of the catalogs: an iterable of str, in any order, as all listings."""
        raise NotImplementedError("this server has no catalogs")

    def list_db_schemas(self, call, schemas):
        """Return the schemas: an iterable of (catalog or None, schema).

        `schemas` is a :class:`TableFilter` of catalog and schema.
        """
        raise NotImplementedError("this server has no schemas")

    def list_tables(self, call, tables):
        """Return the tables: an iterable of (catalog, schema, table, type) or with the columns as fifth.

        Catalog and schema may be None. `tables` is a :class:`TableFilter`; the columns, a schema, are
        needed where it has `include_schema`.
        """
        raise NotImplementedError("this server lists no tables")

    def list_table_types(self, call):
        """Return the types of tables: an iterable of str, such as "TABLE" and "VIEW"."""
        raise NotImplementedError("this server has no types of tables")

    def list_primary_keys(self, call, table):
        """Return the columns of a primary key: (catalog, schema, table, column, sequence, name).

        `table` is (catalog, schema, table). Sequences begin with 1; the name may be None.
        """
        raise NotImplementedError("this server lists no keys")

    def list_foreign_keys(self, call, tables):
        """Return the columns of foreign keys: an iterable of tuples.

        Each is a pair of columns, (catalog, schema, table, column), that is pointed at and that
        points, then the sequence from 1, and if known the names of the foreign and of the primary
        key, and the rules for update and delete (0 cascade, 1 restrict, 2 set null, 3 no action, 4
        set default). `tables` is a pair of (catalog, schema, table) likewise, with None for any.
        """
        raise NotImplementedError("this server lists no keys")


_OPTIONAL = (
    "prepare open_session reset_session set_option interrupt ingest begin commit rollback savepoint "
    "release_savepoint rollback_to_savepoint list_catalogs list_db_schemas list_tables "
    "list_table_types list_primary_keys list_foreign_keys"
)
_METHODS = {name: getattr(Server, name) for name in _OPTIONAL.split()}

Server.__module__ = "cflight.sql"
