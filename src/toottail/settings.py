"""Settings: from ``TOOTTAIL_*`` variables and one TOML file, with defaults that suit one person.

Environment variables win over the file. A secret may be in a file of its own, which
``TOOTTAIL_…_FILE`` names. `load` turns every mistake into a `SettingsError` that names the
variable, or the file, line and key.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from toottail import __version__
from toottail.errors import SettingsError

_PREFIX = "TOOTTAIL_"
_CLOSE = 0.92
"""How alike two names are, of 1, when one is taken for the other misspelt."""

# It goes into headers and documents as it is, so it is held to what needs no escape in any of them.
_ACTOR_URL = re.compile(
    r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*(/[a-z0-9_~][a-z0-9._~-]*)*/[a-z0-9_]{1,30}"
)

_MAIL = re.compile(r"[^\s@,;:<>\"'/?&#%]{1,64}@[a-z0-9.-]{1,253}", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)+")
_OPERATOR = re.compile(r"@?([a-z0-9_.-]{1,100})@([a-z0-9_.-]{3,253})")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

UNSET_URL = "https://toottail.example"
SOURCE_URL = "https://github.com/toottail/toottail"
Network = IPv4Network | IPv6Network


def _words(value: object) -> object:
    return (
        re.split(r"[,\s]+", value.strip())
        if isinstance(value, str) and value.strip()
        else ([] if value == "" else value)
    )


def _network(word: str) -> Network:
    try:
        return ip_network(word)
    except ValueError as error:
        raise _refuse(f"{error}; expected addresses such as 10.0.0.0/8") from None


def _networks(value: object) -> object:
    words = _words(value)
    if isinstance(words, (list, tuple)):
        return tuple(_network(word) if isinstance(word, str) else word for word in words)
    return words


def _lists(value: object) -> object:
    words = _words(value)
    if not isinstance(words, (list, tuple)):
        return words
    for word in words:
        if "://" in str(word) and not str(word).startswith("https://"):
            # The rest may hold a secret.
            scheme = str(word).partition("://")[0]
            raise ValueError(f"{scheme}://… is neither a file nor an https URL")
    return tuple(words)


def _connect_to(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = (pair.partition("=") for pair in _words(value) or [])  # type: ignore[attr-defined]
    return {name: target for name, _, target in pairs}


def _actor_url(value: str | None) -> str | None:
    if value is not None and not _ACTOR_URL.fullmatch(value):
        raise PydanticCustomError(
            "actor_url",
            "expected something like https://toottail.example.org/actor: https on the usual port, "
            "a public name, a path that ends with the actor's name, in small letters and digits",
        )
    return value


def _refuse(what: str) -> PydanticCustomError:
    # A message of our own, without pydantic's "Value error" in front.
    return PydanticCustomError("setting", "{what}", {"what": what})


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL that names a host and holds nothing strange; None for any other."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    strange = "@" in parts.netloc or parts.query or parts.fragment or not _plain(url)
    return None if strange or not parts.hostname else parts


def _plain(url: str) -> bool:
    """Whether ``url`` can stand in headers and pages without an escape."""
    return url.isprintable() and not set(url) & set(" \\\"'<>")


def _service_url(value: str) -> str:
    parts = _parts(value.strip())
    schemes = ("https", "http") if parts and parts.hostname in _LOCAL else ("https",)
    if parts is None or parts.scheme not in schemes:
        raise _refuse(
            "expected something like https://toottail.example.org; http is for localhost alone"
        )
    netloc = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"


def _listen(value: str) -> str:
    host, _, port = value.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise _refuse("expected HOST:PORT, as in 127.0.0.1:8080 or [::]:8080")
    if ":" in host and not bracketed:
        raise _refuse("an IPv6 address stands in brackets, as in [::1]:8080")
    return f"{host}:{int(port)}"


def _listen_if_any(value: str | None) -> str | None:
    return _listen(value) if value and value.strip() else None


def _link(value: str | None) -> str | None:
    text = (value or "").strip()
    if not text:
        return None
    mail = text.removeprefix("mailto:")
    if _MAIL.fullmatch(mail):
        return f"mailto:{mail}"
    parts = _parts(text.partition("?")[0].partition("#")[0])
    if parts is None or parts.scheme != "https" or not _plain(text):
        raise _refuse("expected an https URL or a mail address")
    return text


def _source(value: str) -> str:
    """The https URL that it must be: nobody may be left without one."""
    link = _link(value)
    if link is None or not link.startswith("https://"):
        raise _refuse("expected an https URL")
    return link


def _homes(value: object) -> object:
    words = _words(value)
    if not isinstance(words, (list, tuple)):
        return words
    names = [str(word).lower().removeprefix("https://").rstrip("/") for word in words]
    for name, word in zip(names, words, strict=True):
        if not _HOST.fullmatch(name):
            raise _refuse(f"{word} is not the name of a server, such as example.social")
    return tuple(names)


def _operators(value: object) -> object:
    words = _words(value)
    if not isinstance(words, (list, tuple)):
        return words
    found = []
    for word in words:
        match = _OPERATOR.fullmatch(str(word).lower())
        if match is None or not _HOST.fullmatch(match[2]):
            raise _refuse(f"{word} is not an account, such as @me@example.social")
        found.append(f"@{match[1]}@{match[2]}")
    return tuple(found)


def _authorize_at(value: object) -> object:
    pairs = _connect_to(value)
    if not isinstance(pairs, dict):
        return pairs
    for name, base in pairs.items():
        parts = _parts(str(base))
        # Browsers would be sent there with everything that a sign-in says: never off this machine.
        local = parts is not None and parts.hostname in ("localhost", "127.0.0.1")
        if parts is None or parts.scheme not in ("http", "https") or not local:
            raise _refuse(f"{name}: only http://localhost or http://127.0.0.1 can be given")
    return {name: str(base).rstrip("/") for name, base in pairs.items()}


class Settings(BaseModel):
    """All settings, checked. Times are in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(default_factory=lambda: default_data_dir())
    """Where the embedded database and the key file live."""
    database_url: SecretStr | None = None
    """A PostgreSQL server to use instead of the embedded one (also read from DATABASE_URL)."""
    secret_keys: SecretStr | None = None
    """Comma-separated keys for tokens at rest: the first seals, all open. Default: a key file."""

    service_url: Annotated[str, AfterValidator(_service_url)] = UNSET_URL
    """Where our pages are, also in the User-Agent: an admin who wants a word with us looks here.
    Without a slash at its end; https, or http on this machine alone."""
    actor_url: Annotated[str | None, AfterValidator(_actor_url)] = None
    """The public https URL of our actor, in whose name requests are signed where that is wanted."""
    actor_key_file: Path | None = None
    """Where the actor's private key is, if not in the data folder."""
    allow_networks: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = ()
    """Private address ranges that may be asked all the same (tests, private networks)."""
    connect_to: Annotated[dict[str, str], BeforeValidator(_connect_to)] = Field(
        default_factory=dict
    )
    """``{".example": "127.0.0.1:8443"}``: where names with this ending are really served."""

    blocklists: Annotated[tuple[str, ...], BeforeValidator(_lists)] = ()
    """Block lists, files or https URLs: who is on one is neither asked nor named to a home."""
    allowlist: Annotated[tuple[str, ...], BeforeValidator(_lists)] = ()
    """Allow lists, files or https URLs: where there is one, nobody else is asked or named."""

    home_in_flight: int = Field(default=4, ge=1, le=16)
    """Requests at once to a home."""
    host_in_flight: int = Field(default=2, ge=1, le=8)
    """Requests at once to any other host."""
    home_share: float = Field(default=0.95, gt=0, le=1)
    """The part of a token's limit that we use; the token is ours alone."""
    user_share: float = Field(default=0.5, gt=0, le=1)
    """The part we use of limits that a home counts per user over all their apps."""

    connect_timeout: float = Field(default=8, gt=0)
    idle_timeout: float = Field(default=10, gt=0)
    """Longest wait for the next bytes of an answer."""
    total_timeout: float = Field(default=30, gt=0)
    """Longest a request may take in all."""
    bodies_in_memory: int = Field(default=64 << 20, ge=1 << 20)
    """Bytes of answers held at once, over all requests of this process."""

    on_start: SecretStr | None = None
    """URL of a monitor that is told when a run begins."""
    on_done: SecretStr | None = None
    """URL of a monitor that is told when a run ended well."""
    on_fail: SecretStr | None = None
    """URL of a monitor that is told when a run failed, or was stopped."""
    lan_monitors: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()
    """Monitors (``NAME:PORT``) that may be pinged over http and at private addresses."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8080"
    """HOST:PORT where api, web or serve listen."""
    certificate: Path | None = None
    """A certificate chain in PEM, to serve https without a proxy."""
    certificate_key: Path | None = None
    """Its private key."""
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = ()
    """Addresses of proxies whose X-Forwarded-For and -Proto are believed."""
    service_name: str = Field(default="TootTail", min_length=1, max_length=60)
    """What the pages call the service."""
    contact: Annotated[str | None, AfterValidator(_link)] = None
    """Where to reach the operator: an https or mailto URL; a mail address becomes one."""
    source_addresses: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = ()
    """Addresses that our requests come from, for admins who look for us in their logs."""
    support_url: Annotated[str | None, AfterValidator(_link)] = None
    """Where members can give money (Liberapay, Ko-fi, …): likewise."""
    source_url: Annotated[str, AfterValidator(_source)] = SOURCE_URL
    """Where the program's source is; the licence has those who change it offer theirs."""
    sign_ups: Literal["open", "invite", "closed"] = "open"
    """Who may become a member."""
    most_members: int = Field(default=100, ge=0)
    """No more members than that; 0: as many as come."""
    homes: Annotated[tuple[str, ...], BeforeValidator(_homes)] = ()
    """The only servers whose members may sign in; none named: all."""
    operators: Annotated[tuple[str, ...], BeforeValidator(_operators)] = ()
    """Accounts (``@me@example.social``, in small letters) that may open the operator's page."""
    watch_days: int = Field(default=7, ge=1, le=30)
    """Days for which a conversation is watched after a member saw it, or a reply arrived in it."""
    grace_days: int = Field(default=14, ge=1)
    """Days after which a member whose token was refused, or whose home is gone, is removed."""
    monthly_cost: float | None = Field(default=None, ge=0)
    """What running the service costs a month, for the operator's page."""
    authorize_at: Annotated[dict[str, str], BeforeValidator(_authorize_at)] = Field(
        default_factory=dict
    )
    """``{".example": "http://localhost:8401"}``: where a browser finds the sign-in pages of names
    with this ending, each below ``/NAME``; for the demonstration."""

    lease: float = Field(default=10, ge=2)
    """How long a lane stays ours without a renewal."""
    worker_concurrency: int = Field(default=160, ge=2)
    """Lanes this process visits at once."""
    slice_members: int = Field(default=200, ge=2, le=100_000)
    """Members of a home beyond which they are collected in slices, of at most so many each."""
    worker_memory_limit: int = Field(default=0, ge=0)
    """Bytes of memory of this process from which on it takes no new lanes; 0: no limit."""
    worker_alive_file: Path | None = None
    """A file touched while the worker works, if not ``worker.alive`` in the data folder."""
    egress: str = Field(default="", max_length=100)
    """The name of the address that this process asks from: shown, and nothing else."""

    streams: bool = False
    """Whether homes that offer it tell us what is new in timelines, over connections kept open."""
    streams_per_home: int = Field(default=100, ge=1)
    """Streams of one home that are open at once, over all workers."""
    streams_per_worker: int = Field(default=2_000, ge=1)
    """Streams that this process holds open at most."""

    metrics_listen: Annotated[str | None, AfterValidator(_listen_if_any)] = None
    """HOST:PORT where this process, whatever it does, tells Prometheus its figures."""

    @property
    def has_service_url(self) -> bool:
        """Whether somebody said where the service is found."""
        return "service_url" in self.model_fields_set and self.service_url != UNSET_URL

    @property
    def alive_file(self) -> Path:
        """The file whose age says whether the worker works."""
        return self.worker_alive_file or self.data_dir / "worker.alive"

    @property
    def listen_at(self) -> tuple[str, int]:
        """Host (an IPv6 address without its brackets) and port where to listen."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def metrics_at(self) -> tuple[str, int] | None:
        """The same of `metrics_listen`."""
        if self.metrics_listen is None:
            return None
        host, _, port = self.metrics_listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def user_agent_token(self) -> str:
        """The name that robots.txt groups address us by."""
        return "TootTail"

    def user_agent(self, home: str | None = None) -> str:
        """The User-Agent, with the home it is sent for where there is just one."""
        # One that only this machine can open tells nobody anything.
        about = self.service_url if self.service_url.startswith("https://") else UNSET_URL
        where = f"+{about}" + (f"; {home}" if home else "")
        return f"TootTail/{__version__} ({where})"


_FILE = "_FILE"
_SECRETS = frozenset(
    name for name, field in Settings.model_fields.items() if field.annotation == SecretStr | None
)
"""What may also be in a file of its own, as container engines hand out secrets."""


def default_data_dir() -> Path:
    """``/var/lib/toottail`` for root, the platform's user data folder for everybody else."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/toottail")
    return Path(platformdirs.user_data_dir("toottail"))


def load(config: Path | None = None, environ: dict[str, str] | None = None) -> Settings:
    """Settings from ``config`` (or TOOTTAIL_CONFIG) and the environment.

    Raises `SettingsError`.
    """
    env = dict(os.environ if environ is None else environ)
    path = config_file(config, env)
    values: dict[str, Any] = read_toml(path) if path else {}
    # Accounts are no settings: the command that serves them reads them.
    values.pop("account", None)
    origin = {key: f"{path}, key {key}" for key in values}
    _refuse_misspelt(env)
    for field, variable, value in _said(env):
        values[field] = value
        origin[field] = variable
    if env.get("DATABASE_URL") and "database_url" not in values:
        values["database_url"] = env["DATABASE_URL"]
        origin["database_url"] = "DATABASE_URL"
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explain(error, origin, path)) from None


def _said(env: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Field, variable and value of each setting in the environment. Raises `SettingsError`."""
    for field in Settings.model_fields:
        variable = _PREFIX + field.upper()
        value, file = env.get(variable), env.get(variable + _FILE) if field in _SECRETS else None
        if value and file:
            raise SettingsError(f"{variable} and {variable}{_FILE} are both set: take one away")
        if value:
            yield field, variable, value
        elif file:
            yield field, variable + _FILE, _secret_in(Path(file), variable + _FILE)


def _secret_in(file: Path, variable: str) -> str:
    try:
        # Keys may stand one a line, as in the key file; no secret has a space in it.
        text = ",".join(file.read_text(encoding="utf-8").split())
    except OSError as error:
        raise SettingsError(f"{variable}: {file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{variable}: {file} is not a text file in UTF-8") from None
    if not text:
        raise SettingsError(f"{variable}: {file} is empty")
    return text


def _refuse_misspelt(names: Iterable[str]) -> None:
    """Raises `SettingsError` for a variable that is a setting but for a letter or two.

    Others are let be: whoever runs containers is given variables by the name of each service.
    """
    settings = {_PREFIX + field.upper() for field in Settings.model_fields}
    settings |= {_PREFIX + field.upper() + _FILE for field in _SECRETS}
    for name in names:
        if name.startswith(_PREFIX) and name not in settings and (meant := _close(name, settings)):
            raise SettingsError(f"{name}: there is no such setting; is {meant} meant?")


def _close(name: str, among: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, among, n=1, cutoff=_CLOSE)), None)


def config_file(config: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration file: ``config``, else what TOOTTAIL_CONFIG names, else None."""
    return config or (Path(environ["TOOTTAIL_CONFIG"]) if environ.get("TOOTTAIL_CONFIG") else None)


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds. Raises `SettingsError` where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not a text file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None


def _explain(error: ValidationError, origin: dict[str, str], path: Path | None) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        key = str(problem["loc"][0]) if problem["loc"] else ""
        where = origin.get(key, key)
        line = _line_of(key, path)
        place = f"{path}, line {line}, key {key}" if line else where
        lines.append(f"{place}: {_in_words(problem['type'], problem['msg'], key)}")
    return "\n".join(lines)


def _in_words(kind: str, message: str, key: str) -> str:
    if kind != "extra_forbidden":
        return message.removeprefix("Value error, ")
    meant = next(iter(get_close_matches(key, Settings.model_fields, n=1)), None)
    hint = f"is {meant} meant?" if meant else "docs/settings.md has them all"
    return f"there is no such setting; {hint}"


def _line_of(key: str, path: Path | None) -> int | None:
    if path is None:
        return None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if re.match(rf"\s*{re.escape(key)}\s*=", line):
            return number
    return None
