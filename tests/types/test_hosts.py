"""What counts as the name of a server, and which URIs may be asked for or handed to a home."""

from __future__ import annotations

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toottail.errors import InvalidHost
from toottail.types.hosts import host_of, is_public_host, parse_host


@pytest.mark.parametrize(
    "text",
    [
        "example.social",
        " Example.Social ",
        "example.social.",
        "https://example.social",
        "https://example.social/@me",
        "@me@example.social",
        "me@example.social",
        "example.social/@me/1",
    ],
)
def test_people_may_write_a_host_in_the_ways_they_know_it(text: str) -> None:
    assert parse_host(text) == "example.social"


def test_a_name_in_another_script_becomes_its_ascii_form() -> None:
    assert parse_host("bücher.example") == "xn--bcher-kva.example"
    assert host_of("https://bücher.example/1") == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "::1",
        "0x7f.1",
        "2130706433",
        "example",
        "example.social:8443",
        "https://example.social:8443/",
        "printer.local",
        "router.home.arpa",
        "db.internal",
        "secret.onion",
        "-a.example",
        "a-.example",
        "a..example",
        "a b.example",
        "a.example?x=1",
        "https://[broken",
        "x" * 64 + ".example",
        ".".join(["abcdefgh"] * 30) + ".example",
    ],
)
def test_what_is_no_public_name_is_refused_with_the_text_that_was_given(text: str) -> None:
    with pytest.raises(InvalidHost, match=r"expected something like example\.social"):
        parse_host(text)


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("https://a.example/users/x/statuses/1", "a.example"),
        ("https://A.Example./1", "a.example"),
        ("https://a.example:443/1", "a.example"),
        ("http://a.example/1", None),
        ("https://a.example:8443/1", None),
        ("https://a.example:99999/1", None),
        ("https://user@a.example/1", None),
        ("https://a.example@127.0.0.1/", None),
        ("https://127.0.0.1/1", None),
        ("https://[::1]/1", None),
        ("https://[::ffff:127.0.0.1]/1", None),
        ("https://0x7f000001/1", None),
        ("https://localhost/1", None),
        ("https://db.internal/1", None),
        ("https:///1", None),
        ("https://a.example\\@b.example/1", None),
        ("https://a.example/\n1", None),
        ("https://a.example/ 1", None),
        ("ftp://a.example/1", None),
        ("tag:a.example,2020:1", None),
        ("https://a.example/" + "x" * 2048, None),
        ("", None),
    ],
)
def test_only_https_uris_on_public_names_and_the_usual_port_have_a_host(
    uri: str, host: str | None
) -> None:
    assert host_of(uri) == host


_labels = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=20)


@given(st.lists(_labels, min_size=1, max_size=4))
def test_every_plain_name_survives_being_written_as_a_uri(labels: list[str]) -> None:
    name = ".".join([*labels, "example"])
    assert is_public_host(name)
    assert host_of(f"https://{name}/@a/1") == name
    assert parse_host(name) == name


@given(st.text(max_size=60))
def test_no_text_makes_the_check_of_a_uri_fail_and_what_it_accepts_is_public(text: str) -> None:
    for uri in (text, f"https://{text}", f"https://{text}/1"):
        host = host_of(uri)
        assert host is None or is_public_host(host)


@given(st.text(max_size=60))
def test_a_person_gets_a_public_host_or_the_one_error(text: str) -> None:
    with contextlib.suppress(InvalidHost):
        assert is_public_host(parse_host(text))


@given(st.integers(0, 2**32 - 1))
def test_an_address_is_never_a_host_however_it_is_written(number: int) -> None:
    octets = [number >> shift & 255 for shift in (24, 16, 8, 0)]
    for form in (
        ".".join(map(str, octets)),
        ".".join(f"{o:#x}" for o in octets),
        ".".join(f"{o:#o}".replace("0o", "0") for o in octets),
        str(number),
        f"{octets[0]}.{number & 0xFFFFFF}",
    ):
        assert not is_public_host(form), form
