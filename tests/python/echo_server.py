# SPDX-License-Identifier: Apache-2.0
"""A server for the tests: keeps what is put, and fails in every way that is asked for."""

import threading

import cflight as flight


class EchoServer(flight.FlightServerBase):
    """Tables by ticket; commands of do_exchange and actions by name."""

    def __init__(self, location=None, **kwargs):
        self.tables = {}
        self.release = threading.Event()
        self.started = threading.Semaphore(0)  # handlers that stall
        self.contexts = []
        super().__init__(location, **kwargs)

    def stall(self):
        self.started.release()
        self.release.wait(30)

    def when_started(self, do):
        """Calls `do` on another thread, which is returned, once a handler has begun to stall."""

        def wait():
            assert self.started.acquire(timeout=30)
            do()

        thread = threading.Thread(target=wait)
        thread.start()
        return thread

    def list_flights(self, context, criteria):
        for name, table in self.tables.items():
            descriptor = flight.FlightDescriptor.for_path(name)
            yield flight.FlightInfo(table.schema, descriptor, [flight.FlightEndpoint(name, [])])

    def get_flight_info(self, context, descriptor):
        if descriptor.command == b"missing":
            raise KeyError("missing")
        return flight.FlightInfo(None, descriptor, [], 7, None, True, b"about")

    def poll_flight_info(self, context, descriptor):
        info = self.get_flight_info(context, descriptor)
        following = None if descriptor.command == b"done" else descriptor
        return flight.PollInfo(info, following, 0.5, 1_000_000_000)

    def get_schema(self, context, descriptor):
        if descriptor.command == b"private":
            raise flight.FlightUnauthorizedError("private", b"extra")
        return flight.SchemaResult(self.tables[descriptor.path[0]].schema)

    def do_get(self, context, ticket):
        if ticket.ticket == b"slow":
            self.stall()
        return flight.RecordBatchStream(self.tables[ticket.ticket])

    def do_put(self, context, descriptor, reader, writer):
        if descriptor.command == b"stall":
            self.stall()
        table = reader.read_all()
        self.tables[descriptor.path[0]] = table
        writer.write(str(table.num_rows).encode())

    def do_exchange(self, context, descriptor, reader, writer):
        self.contexts.append((context, reader, writer))
        if descriptor.command == b"stall":
            self.stall()
            return
        has_begun = False
        for chunk in reader:
            if chunk.data is not None and not has_begun:
                writer.begin(chunk.data.schema)
                has_begun = True
            if chunk.data is None:
                writer.write_metadata(chunk.app_metadata)
            elif chunk.app_metadata is None:
                writer.write_batch(chunk.data)
            else:
                writer.write_with_metadata(chunk.data, chunk.app_metadata)

    def list_actions(self, context):
        return [("echo", "returns the body"), flight.ActionType("fail", "raises")]

    def do_action(self, context, action):
        if action.type == "echo":
            return [action.body, flight.Result(action.body)]
        if action.type == "stall":
            self.stall()
            return []
        if action.type == "forever":
            return self.forever(context)
        if action.type == "shutdown":
            self.shutdown()
            return [b"begun"]
        if action.type == "headers":
            return [repr(context.headers().get(action.body.to_pybytes().decode())).encode()]
        if action.type == "time":
            return [repr(context.time_remaining()).encode(), context.method.name.encode()]
        if action.type == "fail":
            names = {**vars(flight), "BareError": flight.FlightError}
            name = action.body.to_pybytes().decode()
            raise (names.get(name) or getattr(__import__("builtins"), name))("reason")
        raise NotImplementedError(action.type)

    @staticmethod
    def forever(context):
        while not context.is_cancelled():
            yield b"more"
