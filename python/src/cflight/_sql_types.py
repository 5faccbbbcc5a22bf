# SPDX-License-Identifier: Apache-2.0
"""What the methods of a Flight SQL server are given and give; the C part imports it from here."""

import collections

__all__ = ["Call", "IngestTarget", "Plan", "SubstraitPlan", "TableFilter"]


def _ignore(progress):
    """What set_progress() is outside of statements that run, and after them."""


class Call(
    collections.namedtuple(
        "Call",
        "session context identity wants_rows keeps_session is_in_transaction set_progress",
        defaults=[_ignore],
    )
):
    """For whom a method of a :class:`Server` is called.

    Parameters
    ----------
    session : object
        What :meth:`Server.open_session` returned; None without it.
    context : cflight.ServerCallContext
        The call of Flight behind it, until the method returns.
    identity : bytes
        Who calls: what authentication has named, or empty.
    wants_rows : bool
        The client wants rows rather than a number of them.
    keeps_session : bool
        SQL may leave something in the session: the client comes back to it.
    is_in_transaction : bool
        It is part of a transaction that the client began by a call.
    set_progress : callable
        Takes how far :meth:`Server.execute` is, from 0 to 1, for clients that poll; from any thread.

    Examples
    --------
    >>> rows = call.session.execute(query).fetchall()
    """

    __slots__ = ()


class TableFilter(
    collections.namedtuple(
        "TableFilter", "catalog schema_pattern table_pattern table_types include_schema"
    )
):
    """What a listing is asked for: a hint, as the library filters what a method gives.

    None is any. In patterns ``%`` is any run of characters and ``_`` is one.

    Examples
    --------
    >>> columns = schema_of(name) if tables.include_schema else None
    """

    __slots__ = ()


class IngestTarget(
    collections.namedtuple("IngestTarget", "table catalog schema mode temporary settings")
):
    """Where the rows of an upload go.

    `mode` is "create", "append", "create_append" or "replace", as :meth:`Client.ingest` has it;
    `settings` is a dict of str to str.

    Examples
    --------
    >>> if target.mode == "replace":
    ...     call.session.execute(f"DROP TABLE IF EXISTS {quote(target.table)}")
    """

    __slots__ = ()


class Plan(
    collections.namedtuple(
        "Plan", "schema parameters is_update needs_session", defaults=(None, None, None, False)
    )
):
    """What :meth:`Server.prepare` knows of a statement.

    Parameters
    ----------
    schema : ArrowSchema, optional
        Of the result; None for updates. JDBC takes a statement without it for an update.
    parameters : ArrowSchema, optional
        In their order; None when there are none, or they are not known. The type null stands for
        one that is not known.
    is_update : bool, optional
        Whether it changes something; None when that is not known.
    needs_session : bool
        It leaves something in the session, as BEGIN does: refused for clients without one.

    Examples
    --------
    >>> Plan(schema=pa.schema([("id", pa.int64())]), is_update=False)
    Plan(schema=id: int64, parameters=None, is_update=False, needs_session=False)
    """

    __slots__ = ()


class SubstraitPlan(collections.namedtuple("SubstraitPlan", "plan version", defaults=("",))):
    """A statement as a Substrait plan, for the calls of a client that take a query.

    `plan` is a serialised ``substrait.Plan``, bytes; `version` the release of Substrait that it was
    written for.

    Examples
    --------
    >>> client.query(SubstraitPlan(plan.SerializeToString(), "0.62.0"))
    """

    __slots__ = ()


for _name in __all__:
    globals()[_name].__module__ = "cflight.sql"
