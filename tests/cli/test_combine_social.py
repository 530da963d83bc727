"""``toottail import combine-social``: from a second, real database with its tables."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.cli.shell import Shell
from toottail.repository.database import connector
from toottail.repository.embedded import EmbeddedPostgres
from toottail.repository.sealing import Sealer

KEY = "A" * 43 + "="

# The columns as its migrations left them in August 2023.
TABLES = """
CREATE TABLE registrations (
    id serial PRIMARY KEY, instance_url varchar NOT NULL, registration_id varchar, name varchar,
    website varchar, redirect_uri varchar NOT NULL, client_id varchar NOT NULL,
    client_secret varchar NOT NULL, vapid_key varchar, nonce varchar NOT NULL, sns varchar(100)
);
CREATE TABLE workers (id serial PRIMARY KEY);
CREATE TABLE tokens (
    id serial PRIMARY KEY, username varchar NOT NULL UNIQUE, access_token varchar NOT NULL,
    token_type varchar, scope varchar, created_at int,
    registration_id int NOT NULL REFERENCES registrations ON DELETE CASCADE,
    fail_count int, worker_id int NOT NULL DEFAULT 1, ping_at int
);
INSERT INTO registrations
    (instance_url, redirect_uri, client_id, client_secret, nonce, sns) VALUES
    ('home.example', 'https://combine.example/code/1', 'client-1', 'secret-1', '1', 'mastodon'),
    ('Other.Example', 'https://combine.example/code/2', 'client-2', 'secret-2', '2', NULL),
    ('127.0.0.1:5432/x', 'https://combine.example/code/3', 'client-3', 'secret-3', '3', 'mastodon'),
    ('fish.example', 'https://combine.example/code/4', 'client-4', 'secret-4', '4', 'firefish'),
    ('home.example', 'https://combine.example/code/5', 'client-5', 'secret-5', '5', 'mastodon');
INSERT INTO tokens (username, access_token, token_type, scope, registration_id, fail_count) VALUES
    ('mira@home.example', 'token-1', 'Bearer', 'read', 1, 0),
    ('noor@home.example', 'token-2', 'Bearer', 'read', 5, 12),
    ('otto@other.example', 'token-3', 'Bearer', NULL, 2, NULL),
    ('evil@inside.example', 'token-4', 'Bearer', 'read', 3, 0),
    ('koi@fish.example', 'token-5', 'Bearer', 'read', 4, 0);
"""


@pytest.fixture
def theirs(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of the predecessor's database."""
    name = f"combine_{uuid4().hex}"
    url = f"postgresql://toottail@/{name}?host={postgres.host}&port=5432"
    asyncio.run(execute(postgres, f"CREATE DATABASE {name}"))
    asyncio.run(execute(postgres, TABLES, name))
    yield url
    asyncio.run(execute(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


async def execute(server: EmbeddedPostgres, statement: str, *database: str) -> None:
    connection = await server.connect(*database)
    await connection.execute(statement)
    await connection.close()


async def ask(url: str, query: str) -> list[Any]:
    connection = await connector(url)()
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


def test_its_members_and_clients_are_taken_over_and_the_rest_is_told(
    shell: Shell, theirs: str, database_url: str
) -> None:
    shell.environment["TOOTTAIL_SECRET_KEYS"] = KEY
    before = asyncio.run(ask(theirs, "SELECT * FROM tokens"))
    done = shell.run("import", "combine-social", theirs)
    assert done.returncode == 1
    assert "3 new members" in done.stdout
    assert "4 clients at homes taken over" in done.stdout
    for word in ("worker_id", "fail_count", "redirect_uri"):
        assert word in done.stdout
    assert "token 4: '127.0.0.1:5432/x' is not the name of a server" in done.stderr
    assert "token 5: is at a Firefish server" in done.stderr
    assert "token-" not in done.stdout + done.stderr
    found = {one["account"]: one for one in shell.run_json("members", "list")["members"]}
    assert set(found) == {"@mira@home.example", "@noor@home.example", "@otto@other.example"}
    assert found["@mira@home.example"]["scopes"] == "read"
    rows = asyncio.run(ask(database_url, "SELECT home, token_sealed FROM members ORDER BY id"))
    assert [Sealer([KEY]).open(sealed) for _, sealed in rows] == ["token-1", "token-2", "token-3"]
    assert asyncio.run(ask(theirs, "SELECT * FROM tokens")) == before


def test_each_token_can_be_revoked_by_the_client_that_gave_it(
    shell: Shell, theirs: str, database_url: str
) -> None:
    shell.environment["TOOTTAIL_SECRET_KEYS"] = KEY
    shell.run("import", "combine-social", theirs)
    query = "SELECT home, client_id, secret_sealed FROM {} WHERE home = 'home.example'"
    present = asyncio.run(ask(database_url, query.format("registrations")))
    earlier = asyncio.run(ask(database_url, query.format("earlier_registrations")))
    assert [client for _, client, _ in present] == ["client-1"]
    assert [client for _, client, _ in earlier] == ["client-5"]
    assert Sealer([KEY]).open(earlier[0][2]) == "secret-5"
    # A new sign-in registers a new client: the old one stays known as long as it is needed.
    update = "UPDATE registrations SET client_id = 'ours' WHERE home = 'home.example' RETURNING 1"
    asyncio.run(ask(database_url, update))
    earlier = asyncio.run(ask(database_url, query.format("earlier_registrations")))
    assert {client for _, client, _ in earlier} == {"client-1", "client-5"}
    asyncio.run(ask(database_url, "DELETE FROM members WHERE home = 'home.example' RETURNING id"))
    assert asyncio.run(ask(database_url, query.format("earlier_registrations"))) == []


def test_a_second_time_nothing_changes(shell: Shell, theirs: str, database_url: str) -> None:
    everything = "SELECT m::text FROM members AS m ORDER BY id"
    shell.run("import", "combine-social", theirs)
    before = asyncio.run(ask(database_url, everything))
    done = shell.run("import", "combine-social", theirs)
    assert "3 were here already" in done.stdout
    assert asyncio.run(ask(database_url, everything)) == before


def test_its_address_may_stand_in_the_environment(shell: Shell, theirs: str) -> None:
    done = shell.run("import", "combine-social", TOOTTAIL_COMBINE_SOCIAL_URL=theirs)
    assert "3 new members" in done.stdout


def test_another_database_is_refused_in_words(shell: Shell, database_url: str) -> None:
    done = shell.run("import", "combine-social", database_url)
    assert done.returncode == 2
    assert "no database of combine.social" in done.stderr
    away = "postgresql://somebody:secret@127.0.0.1:1/none"
    gone = shell.run("import", "combine-social", away)
    assert gone.returncode == 1
    assert "127.0.0.1:1" in gone.stderr
    assert "Is TOOTTAIL_COMBINE_SOCIAL_URL right?" in gone.stderr
    assert "secret" not in gone.stderr
