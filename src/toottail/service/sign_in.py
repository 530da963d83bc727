"""Signing in with one's own server: OAuth's code flow with state and PKCE, least scopes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from toottail.errors import (
    AnswerRefused,
    BadRequest,
    Gone,
    SignInRefused,
    StatusError,
    UsageError,
)
from toottail.repository import registrations, sign_ins
from toottail.repository.registrations import Registration
from toottail.repository.sign_ins import SignIn
from toottail.servers import oauth
from toottail.servers.home_traits import traits_of
from toottail.servers.nodeinfo import Software
from toottail.service import allowances, home_requests, places
from toottail.service.context import Service
from toottail.service.finish import finish
from toottail.service.home_checks import (
    Home,
    answering,
    find_home,
    no_home,
    parse_server,
    read_title,
    refused,
)
from toottail.service.sessions import digest_of, new_secret
from toottail.types.service import Begun, HomeCheck
from toottail.types.sources import BASE_SCOPE, KINDS, Source, parse_sources

__all__ = ["CALLBACK", "LASTS", "Wish", "begin", "finish", "verify"]

CALLBACK = "/api/v1/sign-in/callback"
"""Below it, each at its own name, homes send the browser back to: see `finish`."""
LASTS = timedelta(minutes=10)
"""So long a member may take to say yes at home."""
_MOST_SOURCES = 50
_REGISTER = allowances.Rate(2, 2, 600)
"""Mastodon lets an address register five clients in ten minutes, for whatever reason."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a visitor typed: a server, ``@me@server`` or a URL; sources as words; an invite code."""

    server: str
    sources: Sequence[str] = ("home",)
    invite: str = ""


async def verify(service: Service, server: str, address: str) -> HomeCheck:
    """Whether ``server`` can be a home here, and what it is. ``address``: the visitor's.

    Raises `TooManyAttempts`.
    """
    await allowances.use(service, "verify", address, allowances.VERIFY, _TOO_OFTEN)
    host, home = server.strip()[:100], None
    try:
        host = parse_server(service, server)
        home = await find_home(service, host, server)
        title = await read_title(service, home.host)
    except SignInRefused as no:
        software = home.software if home else Software("unknown", "")
        return HomeCheck(
            home.host if home else host,
            can_serve=False,
            software=software.name,
            version=software.version,
            code=no.code,
            why_not=str(no),
        )
    return HomeCheck(
        home.host,
        can_serve=True,
        software=home.software.name,
        version=home.software.version,
        title=title,
    )


async def begin(service: Service, wish: Wish, address: str) -> Begun:
    """Begins a sign-in.

    Raises `SignInRefused`, `TooManyAttempts`, or `BadRequest` for a source that is none.
    """
    sources = _sources(wish.sources)
    host = parse_server(service, wish.server)
    await allowances.use(service, "sign-in", address, allowances.SIGN_IN, _TOO_OFTEN)
    home = await find_home(service, host, wish.server)
    invite = digest_of(wish.invite.strip()) if wish.invite.strip() else None
    await _check_places(service, home.host, invite)
    registration = await _registration(service, home)
    scopes = _least_scopes(home.software, sources, knows_profile=registration.knows_profile)
    state, cookie, verifier = new_secret(), new_secret(), SecretStr(new_secret())
    async with service.database.connection() as conn:
        made = SignIn(
            home.host,
            service.sealer.seal(verifier.get_secret_value()),
            oauth.joined(scopes),
            [_spec(source) for source in sources],
            invite,
        )
        await sign_ins.begin(conn, digest_of(state), digest_of(cookie), made, LASTS)
    url = oauth.authorize_url(
        _browser_base(service, home.host),
        registration.client_id,
        redirect_uri=registration.redirect_uri,
        scopes=scopes,
        state=state,
        verifier=verifier,
    )
    return Begun(url, cookie)


_TOO_OFTEN = "That were too many attempts from your address. Try again in a few minutes."


def _sources(words: Sequence[str]) -> tuple[Source, ...]:
    if len(words) > _MOST_SOURCES:
        raise BadRequest(f"No more than {_MOST_SOURCES} sources can be chosen.")
    try:
        return parse_sources(words) or parse_sources(["home"])
    except UsageError as error:
        raise BadRequest(str(error)) from None


def _spec(source: Source) -> str:
    return f"{source}={source.entries}"


def _browser_base(service: Service, host: str) -> str:
    """Where a browser finds the home."""
    for ending, base in service.settings.authorize_at.items():
        if host.endswith(ending):
            return f"{base.rstrip('/')}/{host}"
    return f"https://{host}"


def _least_scopes(
    software: Software, sources: Iterable[Source], *, knows_profile: bool
) -> frozenset[str]:
    """What a token needs for these sources, and to tell whose it is."""
    search = traits_of(software).search_scope
    if search == "read":
        return frozenset({"read"})
    kinds = (KINDS[source.kind].scopes for source in sources)
    who = "profile" if knows_profile else "read:accounts"
    return frozenset({BASE_SCOPE, search, who}.union(*kinds))


def _all_scopes(software: Software, *, knows_profile: bool) -> frozenset[str]:
    """All that a token may ever need there: a client cannot be given more later."""
    sources = [Source(kind) for kind in KINDS]
    return _least_scopes(software, sources, knows_profile=knows_profile)


async def _check_places(service: Service, host: str, invite: bytes | None) -> None:
    """Refuses whom we could not let in, unless they may be here already, which only home tells."""
    async with service.database.connection() as conn:
        standing = await sign_ins.standing(conn, host)
        if not standing.home_is_served:
            await places.check(conn, service, standing, invite)


async def _registration(service: Service, home: Home) -> Registration:
    """Our client at the home, registered where there is none of use."""
    redirect_uri = service.address(f"{CALLBACK}/{home.host}")
    async with service.database.connection() as conn:
        present = await registrations.get(conn, home.host)
        knows = present is not None and present.knows_profile
        needed = _all_scopes(home.software, knows_profile=knows)
        usable = await registrations.usable(conn, home.host, redirect_uri, needed)
    if usable is not None:
        return usable
    busy = home_requests.busy(home.host)
    await allowances.use(service, "register", home.host, _REGISTER, busy)
    made = await _register(service, home, redirect_uri)
    async with service.database.connection() as conn:
        return await registrations.keep(conn, made, present.client_id if present else None)


async def _register(service: Service, home: Home, redirect_uri: str) -> Registration:
    settings, ask = service.settings, home_requests.asker(service, home.host)
    async with answering(home.host):
        metadata = await oauth.read_metadata(ask)
        knows_profile = "profile" in metadata.scopes
        scopes = _all_scopes(home.software, knows_profile=knows_profile)
        try:
            client = await oauth.register(
                ask,
                name=settings.service_name,
                redirect_uri=redirect_uri,
                scopes=scopes,
                website=settings.service_url,
            )
        except (Gone, AnswerRefused):
            raise no_home(home.host) from None
        except StatusError as error:
            if error.status >= 500:
                raise
            raise refused(
                "home_failed",
                f"{home.host} does not let this service sign people in: it {error.what}.",
            ) from None
    return Registration(
        home.host,
        client.id,
        service.sealer.seal(client.secret.get_secret_value()),
        redirect_uri,
        oauth.joined(scopes),
        knows_profile,
        metadata.revoke_path,
    )
