# SPDX-License-Identifier: Apache-2.0
"""Clients of Flight SQL that send what no library of ours would: uploads that never end, bytes of any kind, and more
than a server keeps."""

import random
import urllib.parse

import pytest

import raw_http2
from raw_sql import action, command, packed


def connect(location):
    return raw_http2.Client(urllib.parse.urlparse(location).port)


def query(text):
    return command(packed("CommandStatementQuery", (1, text.encode())))


@pytest.mark.parametrize("ends", [True, False])
def test_an_update_needs_no_more_than_its_descriptor(fresh_sql_service, ends):
    """Go and Rust send a descriptor and nothing else; Java never ends its side. All are answered, on one connection."""
    with connect(fresh_sql_service) as client:
        for text in ["CREATE t", "INSERT t 1", "INSERT t 2"]:
            update = raw_http2.field(1, command(packed("CommandStatementUpdate", (1, text.encode()))))
            assert client.ends([client.call("DoPut", update, ends=ends)]) == (1, 0)
        assert client.ends([client.call("GetFlightInfo", query("SELECT t"))]) == (1, 0)


NAMES = ["CommandGetTables", "CommandGetSqlInfo", "CommandStatementQuery", "CommandPreparedStatementQuery",
         "CommandStatementUpdate", "CommandPreparedStatementUpdate", "CommandStatementIngest", "TicketStatementQuery",
         "ActionBeginSavepointRequest", "ActionEndTransactionRequest", "ActionCancelQueryRequest",
         "ActionCreatePreparedStatementRequest", "ActionClosePreparedStatementRequest", "CommandOfNobody"]
ACTIONS = ["CreatePreparedStatement", "ClosePreparedStatement", "BeginSavepoint", "EndTransaction", "CancelQuery",
           "CancelFlightInfo", "RenewFlightEndpoint", "SetSessionOptions"]


def damaged(dice):
    """A message with fields of any kind, cut or changed in places."""
    fields = [(dice.randrange(1, 8), dice.randbytes(dice.randrange(40))) for _ in range(dice.randrange(5))]
    octets = bytearray(packed(dice.choice(NAMES), *fields))
    for _ in range(dice.randrange(3)):
        octets[dice.randrange(len(octets))] = dice.randrange(256)
    return bytes(octets[:len(octets) - dice.choice([0, 0, dice.randrange(len(octets))])])


@pytest.mark.parametrize("seed", range(4))
def test_any_bytes_are_answered(sql_service, seed):
    """Every call ends, and the server answers afterwards."""
    dice = random.Random(seed)
    with connect(sql_service) as client:
        for _ in range(40):
            streams = []
            for method in ["GetFlightInfo", "GetSchema", "PollFlightInfo"]:
                streams.append(client.call(method, command(damaged(dice))))
            streams.append(client.call("DoGet", raw_http2.field(1, damaged(dice))))
            streams.append(client.call("DoPut", raw_http2.field(1, command(damaged(dice)))))
            streams.append(client.call("DoAction", action(dice.choice(ACTIONS), damaged(dice))))
            client.ends(streams)
        assert client.ends([client.call("GetFlightInfo", query("COUNT 3"))]) == (1, 0)


@pytest.mark.parametrize("kind, limit", [("result", 1000), ("statement", 1000), ("transaction", 100)])
def test_a_client_that_keeps_everything_is_stopped(fresh_sql_service, kind, limit):
    """One user gets so many and no more; who was served goes on."""
    requests = {
        "result": ("GetFlightInfo", query("COUNT 3")),
        "statement": ("DoAction", action("CreatePreparedStatement",
                                         packed("ActionCreatePreparedStatementRequest", (1, b"COUNT 3")))),
        "transaction": ("DoAction", action("BeginTransaction", packed("ActionBeginTransactionRequest"))),
    }
    method, request = requests[kind]
    answered = refused = 0
    with connect(fresh_sql_service) as client:
        for _ in range(12):
            more_answered, more_refused = client.ends(client.calls(method, limit // 10, request))
            answered, refused = answered + more_answered, refused + more_refused
        assert (answered, refused) == (limit, limit // 5)
        listing = command(packed("CommandGetTables"))
        assert client.ends([client.call("GetFlightInfo", listing)]) == (1, 0)
