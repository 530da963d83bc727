"""The end of a sign-in: what the home sent the browser back with becomes a member."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog
from pydantic import SecretStr

from toottail.errors import (
    AnswerRefused,
    RemoteError,
    SettingsError,
    SignInRefused,
    TokenRefused,
)
from toottail.repository import members, registrations, sign_ins
from toottail.repository.database import Connection
from toottail.repository.registrations import Registration
from toottail.repository.sign_ins import SignIn
from toottail.servers import oauth
from toottail.servers.entities import is_local_id
from toottail.servers.homes import Account, HomeClient
from toottail.servers.oauth import Client, Token
from toottail.servers.plain_text import one_line
from toottail.service import allowances, home_requests, places
from toottail.service.context import Service
from toottail.service.home_checks import answering, refused
from toottail.service.revoking import revoke
from toottail.service.sessions import digest_of, start_in
from toottail.types.service import SignedIn
from toottail.types.sources import Choices, parse_sources

log = structlog.get_logger(__name__)

_LONGEST = 4096
"""Of anything that comes back with the browser."""
_EXPIRED = (
    "This sign-in has expired, was finished already, or was begun in another browser. Begin again."
)


@dataclass(frozen=True, slots=True)
class _Granted:
    """A token on its way into the database, and how to give it back."""

    sign_in: SignIn
    registration: Registration
    client: Client = field(repr=False)
    token: Token = field(repr=False)

    @property
    def scopes(self) -> frozenset[str]:
        """What the token may do; a home that does not tell granted what was asked for."""
        return self.token.scopes or frozenset(self.sign_in.scopes.split())


async def finish(
    service: Service,
    home: str,
    *,
    code: str | None,
    state: str | None,
    error: str | None,
    browser_cookie: str | None,
    address: str,
) -> SignedIn:
    """What the home sent the browser back with becomes a member and a session.

    ``home`` is whose place of return it came to. Raises `SignInRefused` or `TooManyAttempts`.
    """
    await allowances.use(
        service,
        "callback",
        address,
        allowances.VERIFY,
        "That were too many attempts from your address. Try again in a few minutes.",
    )
    if error == "access_denied" and not state:
        raise refused("denied", "You said no, so nothing was done.")  # Hollo tells no state then
    sign_in = await _take(service, state, browser_cookie)
    if sign_in.home != home:
        # A home could send the browser on to another one, and so be handed the code that is made
        # there. But each home returns to a place of its own: this code is not of this sign-in.
        raise refused("expired", _EXPIRED)
    if error:
        if error == "access_denied":
            raise refused("denied", f"You said no at {sign_in.home}, so nothing was done.")
        raise refused("home_failed", f"{sign_in.home} did not let you sign in here. Try again.")
    if not code or len(code) > _LONGEST or not (code.isascii() and code.isprintable()):
        raise refused("expired", _EXPIRED)
    granted = await _exchange(service, sign_in, code)
    try:
        account = await _check(service, granted)
        done = await _let_in(service, granted, account)
    except BaseException:
        # Whatever went wrong, nobody shall hold a token that is of no use to its member.
        await _give_back(service, granted)
        raise
    log.info("signed in", home=sign_in.home, member=done.member_id, new=done.is_new)
    return done


async def _take(service: Service, state: str | None, cookie: str | None) -> SignIn:
    if not state or not cookie or max(len(state), len(cookie)) > _LONGEST:
        raise refused("expired", _EXPIRED)
    async with service.database.connection() as conn:
        sign_in = await sign_ins.take(conn, digest_of(state), digest_of(cookie))
    if sign_in is None:
        raise refused("expired", _EXPIRED)
    return sign_in


async def _exchange(service: Service, sign_in: SignIn, code: str) -> _Granted:
    async with service.database.connection() as conn:
        registration = await registrations.get(conn, sign_in.home)
    if registration is None:
        raise refused("expired", _EXPIRED)
    try:
        client = Client(
            registration.client_id, SecretStr(service.sealer.open(registration.secret_sealed))
        )
        verifier = SecretStr(service.sealer.open(sign_in.verifier_sealed))
    except SettingsError:
        # Sealed under a key that is no more: what is of no use must not stay in the way.
        await _forget_client(service, registration)
        raise refused("expired", _EXPIRED) from None
    async with answering(sign_in.home):
        try:
            token = await oauth.exchange(
                home_requests.asker(service, sign_in.home, "token"),
                client,
                code=code,
                redirect_uri=registration.redirect_uri,
                verifier=verifier,
            )
        except RemoteError as error:
            if not oauth.knows_client(error):
                await _forget_client(service, registration)
            raise _failed(sign_in.home, error) from None
    return _Granted(sign_in, registration, client, token)


async def _forget_client(service: Service, registration: Registration) -> None:
    async with service.database.connection() as conn:
        await registrations.drop(conn, registration.home, registration.client_id)


def _failed(home: str, error: Exception) -> SignInRefused:
    log.info("a home failed in a sign-in", home=home, problem=str(error))
    what = error.what if isinstance(error, RemoteError) else "does not take the token it gave"
    return refused("home_failed", f"{home} did not finish the sign-in: it {what}. Try again.")


async def _check(service: Service, granted: _Granted) -> Account:
    """Whose token it is. Raises `SignInRefused` where it allows too little."""
    home = granted.sign_in.home
    lacking = [
        scope for scope in granted.sign_in.scopes.split() if not oauth.covers(granted.scopes, scope)
    ]
    if lacking:
        raise refused(
            "scopes",
            f"{home} allowed less than what is needed: {', '.join(lacking)} is missing. "
            "The token was given back. Begin again and allow all that is asked for.",
        )
    ask = home_requests.asker(service, home, "token")
    async with answering(home):
        try:
            account = await HomeClient(ask, granted.token.secret, "new").verify()
        except (AnswerRefused, TokenRefused) as error:
            raise _failed(home, error) from None
    if account is None and granted.registration.knows_profile:
        # It says that it knows the scope, but not what for.
        async with service.database.connection() as conn:
            await registrations.distrust_profile(conn, home)
    # Only the name: whatever else a home says there, the member is one of its own.
    name = one_line(account.acct.partition("@")[0], 200) if account else ""
    if account is None or not name or not is_local_id(account.id):
        raise refused("home_failed", f"{home} does not tell whose account it is. Try again.")
    return Account(name, account.id)


async def _let_in(service: Service, granted: _Granted, account: Account) -> SignedIn:
    """Stores the member with a session, all or nothing."""
    sign_in, token = granted.sign_in, granted.token.secret.get_secret_value()
    kept = False
    replaced: bytes | None = None
    async with service.database.transaction() as conn:
        await sign_ins.one_at_a_time(conn)
        standing = await sign_ins.standing(conn, sign_in.home, account.id, account.acct)
        if standing.member_id is None:
            await places.check(conn, service, standing, sign_in.invite_digest, spend=True)
        elif kept := await _has_a_better_token(conn, granted, standing.member_id):
            session = await start_in(conn, standing.member_id)
            done = SignedIn(standing.member_id, session, is_new=False)
        if not kept:
            if standing.member_id is not None:
                replaced = await _replaced(service, conn, standing.member_id, token)
            member_id, is_new = await members.serve(
                conn,
                home=sign_in.home,
                account_id=account.id,
                account=account.acct,
                token_fingerprint=service.sealer.fingerprint(sign_in.home, token),
                token_sealed=service.sealer.seal(token),
                scopes=oauth.joined(granted.scopes),
                choices=await _choices(conn, sign_in, standing.member_id),
                now=datetime.now(UTC),
            )
            done = SignedIn(member_id, await start_in(conn, member_id), is_new)
    if kept:
        await _give_back(service, granted)
    elif replaced is not None:
        # What is under way with it fails without harm: a refusal counts for that very token only.
        await revoke(service, sign_in.home, replaced)
    return done


async def _replaced(service: Service, conn: Connection, member_id: int, token: str) -> bytes | None:
    """The member's present token, sealed, where it is another one and of use no more."""
    row = await members.get(conn, member_id)
    if row is None:
        return None
    with suppress(SettingsError):
        # Homes hand out the same token again where the same is allowed.
        return row.token_sealed if service.sealer.open(row.token_sealed) != token else None
    return None


def _has_no_wish(sign_in: SignIn) -> bool:
    """Whether it is what everybody asks for who only types the name of their server."""
    return parse_sources(sign_in.sources) == Choices().sources


async def _has_a_better_token(conn: Connection, granted: _Granted, member_id: int) -> bool:
    """Whether the member's token is good and may do more than the new one.

    Who only wants to see their page shall not lose a source by that.
    """
    row = await members.get(conn, member_id)
    if row is None or row.paused_why in ("token", "home") or row.failing_since is not None:
        return False
    held = (row.scopes or "").split()
    return (
        _has_no_wish(granted.sign_in)
        and all(oauth.covers(held, scope) for scope in granted.scopes)
        and not all(oauth.covers(granted.scopes, scope) for scope in held)
    )


async def _choices(conn: Connection, sign_in: SignIn, member_id: int | None) -> Choices:
    """What is to be done: who comes back without other wishes keeps what they had chosen."""
    wished = parse_sources(sign_in.sources)
    if member_id is None:
        return Choices(wished)
    had = await sign_ins.choices_of(conn, member_id)
    return had if had.sources and _has_no_wish(sign_in) else replace(had, sources=wished)


async def _give_back(service: Service, granted: _Granted) -> None:
    home, token = granted.sign_in.home, granted.token.secret
    marks = service.sealer.fingerprints(home, token.get_secret_value())
    async with service.database.connection() as conn:
        if await sign_ins.holds(conn, home, marks):
            # Mastodon gives the same token again as long as there is one: it is in use.
            return
    ask = home_requests.asker(service, home, "revoke")
    path = granted.registration.revoke_path
    done = await oauth.revoke(ask, granted.client, token, path)
    log.info("a token was given back", home=home, confirmed=done)
