"""Keys are changed: everything is sealed anew, and nothing needs the old key."""

from __future__ import annotations

import pytest

from toottail.errors import SettingsError
from toottail.repository import members
from toottail.repository.database import Connection, Database
from toottail.repository.resealing import reseal
from toottail.repository.sealing import Sealer

OLD, NEW = "A" * 43 + "=", "B" * 43 + "="
HOME = "home.example"
SECRETS = ("token-of-mira", "token-of-noor", "client-secret", "pkce-verifier", "actor-key")


async def fill(conn: Connection, sealer: Sealer) -> None:
    for token in SECRETS[:2]:
        mark = sealer.fingerprint(HOME, token)
        await members.ensure(conn, HOME, mark, sealer.seal(token))
    await conn.execute(
        "INSERT INTO registrations (home, client_id, secret_sealed, redirect_uri, scopes,"
        " knows_profile) VALUES ($1, 'id', $2, 'https://x.example', 'read', false)",
        HOME,
        sealer.seal(SECRETS[2]),
    )
    await conn.execute(
        "INSERT INTO earlier_registrations (home, client_id, secret_sealed)"
        " VALUES ($1, 'earlier', $2), ('other.example', 'id', $2)",
        HOME,
        sealer.seal(SECRETS[2]),
    )
    await conn.execute(
        "INSERT INTO sign_ins (state_digest, browser_digest, home, verifier_sealed, scopes,"
        " sources, expires_at) VALUES ('state', 'browser', $1, $2, 'read', '{home}', now())",
        HOME,
        sealer.seal(SECRETS[3]),
    )
    await conn.execute(
        "INSERT INTO service_secrets (name, sealed) VALUES ('actor_key', $1)",
        sealer.seal(SECRETS[4]),
    )


async def sealed_columns(conn: Connection) -> list[tuple[str, str]]:
    rows = await conn.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name LIKE '%sealed' ORDER BY 1"
    )
    return [(row[0], row[1]) for row in rows]


async def all_sealed(conn: Connection) -> list[bytes]:
    return [
        row[0]
        for table, column in await sealed_columns(conn)
        for row in await conn.fetch(f"SELECT {column} FROM {table}")
    ]


async def test_after_it_the_new_key_alone_opens_everything(database: Database) -> None:
    async with database.connection() as conn:
        await fill(conn, Sealer([OLD]))
        done = await reseal(database, Sealer([NEW, OLD]))
        found = await all_sealed(conn)
    assert len(found) == sum(done.sealed.values()) == 7
    assert {Sealer([NEW]).open(one) for one in found} == set(SECRETS)
    for one in found:
        with pytest.raises(SettingsError):
            Sealer([OLD]).open(one)
    assert done.unreadable == {}


async def test_members_are_found_by_their_token_under_the_new_key(database: Database) -> None:
    async with database.connection() as conn:
        await fill(conn, Sealer([OLD]))
        before = {row["id"] for row in await conn.fetch("SELECT id FROM members")}
        await reseal(database, Sealer([NEW, OLD]))
        new = Sealer([NEW])
        after = {
            (await members.ensure(conn, HOME, new.fingerprint(HOME, token), new.seal(token))).id
            for token in SECRETS[:2]
        }
    assert after == before


async def test_who_came_in_meanwhile_is_no_obstacle(database: Database) -> None:
    both, token = Sealer([NEW, OLD]), SECRETS[0]
    async with database.connection() as conn:
        await fill(conn, Sealer([OLD]))
        mark = both.fingerprint(HOME, token)
        again = await members.ensure(conn, HOME, mark, both.seal(token))
        await reseal(database, both)
        rows = await conn.fetch("SELECT id, token_sealed, token_fingerprint FROM members")
    assert [row["id"] for row in rows if row["token_fingerprint"] == mark] == [again.id]
    assert {Sealer([NEW]).open(row["token_sealed"]) for row in rows} == set(SECRETS[:2])


async def test_what_no_key_opens_is_told_and_left_alone(database: Database) -> None:
    async with database.connection() as conn:
        await fill(conn, Sealer(["C" * 43 + "="]))
        before = await all_sealed(conn)
        done = await reseal(database, Sealer([NEW, OLD]))
        assert sorted(await all_sealed(conn)) == sorted(before)
    assert sum(done.sealed.values()) == 0
    assert done.unreadable["tokens"] == 2


async def test_more_rows_than_a_block_has_are_all_sealed(database: Database) -> None:
    old, number = Sealer([OLD]), 1_203
    async with database.connection() as conn:
        tokens = [f"token-{n}" for n in range(number)]
        await conn.execute(
            "INSERT INTO members (home, token_fingerprint, token_sealed)"
            " SELECT $1, * FROM unnest($2::bytea[], $3::bytea[])",
            HOME,
            [old.fingerprint(HOME, token) for token in tokens],
            [old.seal(token) for token in tokens],
        )
        done = await reseal(database, Sealer([NEW, OLD]))
        rows = await conn.fetch("SELECT token_sealed FROM members")
    assert done.sealed["tokens"] == number
    assert {Sealer([NEW]).open(row[0]) for row in rows} == set(tokens)
