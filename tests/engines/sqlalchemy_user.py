# SPDX-License-Identifier: Apache-2.0
"""A program that uses SQLAlchemy by its dialects for ADBC. Usage: sqlalchemy_user.py URL

What it makes, it drops again. Keys are given, since the cursors of ADBC do not tell those that a database makes."""

import sys

import adbc_driver_cflight.dbapi
import sqlalchemy as sa
from sqlalchemy import orm


class Base(orm.DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    born: orm.Mapped[float | None]
    books: orm.Mapped[list["Book"]] = orm.relationship(order_by="Book.id")


class Book(Base):
    __tablename__ = "book"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    author: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("author.id"))


def check(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def use_objects(engine):
    with orm.Session(engine) as session:
        session.add_all([Author(id=1, name="Ada", born=1815.0, books=[Book(id=1), Book(id=2)]), Author(id=2, name="Bob")])
        session.commit()
        found = session.scalars(sa.select(Author).order_by(Author.id))
        check([(author.name, author.born, len(author.books)) for author in found], [("Ada", 1815.0, 2), ("Bob", None, 0)])
        session.add(Author(id=1, name="again"))
        try:
            session.commit()
        except sa.exc.IntegrityError:
            session.rollback()
        else:
            raise AssertionError("the key is there twice")
        check(session.get(Author, 2).name, "Bob")


def use_statements(engine):
    count = sa.select(sa.func.count()).select_from(Book)
    with engine.begin() as connection:
        named = connection.execute(sa.text("SELECT name FROM author WHERE id > :least"), {"least": 1})
        check(named.all(), [("Bob",)])
        check(connection.execute(sa.update(Author).where(Author.id < 3).values(born=1.0)).rowcount, 2)
        connection.execute(sa.insert(Book), [{"id": number, "author": 2} for number in range(10, 30)])
    with engine.connect() as connection:
        connection.execute(sa.delete(Book))
        check(connection.execute(count).scalar(), 0)
        connection.rollback()
        check(connection.execute(count).scalar(), 22)


def use_reflection(engine):
    found = sa.inspect(engine)
    check(found.get_table_names(), ["author", "book"])
    check([column["name"] for column in found.get_columns("author")], ["id", "name", "born"])
    check(found.get_pk_constraint("author")["constrained_columns"], ["id"])
    (key,) = found.get_foreign_keys("book")
    check((key["constrained_columns"], key["referred_table"], key["referred_columns"]), (["author"], "author", ["id"]))
    metadata = sa.MetaData()
    metadata.reflect(engine)
    check(sorted(metadata.tables), ["author", "book"])


engine = sa.create_engine(sys.argv[1], module=adbc_driver_cflight.dbapi)
Base.metadata.create_all(engine)
use_objects(engine)
use_statements(engine)
use_reflection(engine)
Base.metadata.drop_all(engine)
check(sa.inspect(engine).get_table_names(), [])
engine.dispose()
