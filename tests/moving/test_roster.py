"""Members in files: what is taken, what is left out and why, however broken the file is."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toottail.errors import UsageError
from toottail.moving.roster import BadRow, Row, read

HEAD = "home,account,token,sources,paused\n"


def rows(text: str) -> list[Row | BadRow]:
    return list(read(io.StringIO(text)))


def good(text: str) -> list[Row]:
    return [row for row in rows(text) if isinstance(row, Row)]


def bad(text: str) -> dict[int, str]:
    return {row.number: row.why for row in rows(text) if isinstance(row, BadRow)}


def test_a_line_of_csv_is_a_member() -> None:
    (row,) = good(HEAD + "Home.Example,@mira@home.example,secret,home=80;list:My friends,member\n")
    assert (row.number, row.home, row.account) == (2, "home.example", "mira")
    assert row.token.get_secret_value() == "secret"
    assert [(str(s), s.entries) for s in row.sources] == [("home", 80), ("list:My friends", 100)]
    assert row.paused == "member"


def test_columns_may_stand_in_any_order_and_others_beside_them() -> None:
    (row,) = good("token,note,account,home\nsecret,hello,mira,home.example\n")
    assert (row.account, row.home, str(row.sources[0])) == ("mira", "home.example", "home")


def test_each_bad_line_is_named_by_its_number_and_the_rest_is_read() -> None:
    text = HEAD + (
        "home.example,ok,secret\n"
        "127.0.0.1,a,secret\n"
        "home.example,a,\n"
        'home.example,"a,secret\n'
        "\n"
        "home.example,a,with spaces\n"
        "home.example,a,secret,nonsense\n"
        "home.example,,secret\n"
        "home.example,a,secret,home,no\n"
        "home.example,a,secret,home,,more\n"
        "home.example,fine,secret\n"
    )
    assert [row.account for row in good(text)] == ["ok", "fine"]
    told = bad(text)
    assert list(told) == [3, 4, 5, 7, 8, 9, 10, 11]
    assert "not the name of a server" in told[3]
    assert "no token" in told[4]
    assert "no line of CSV" in told[5]
    assert "columns" in told[11]


def test_no_error_tells_what_the_token_was() -> None:
    broken = HEAD + "home.example,a,se cret-1\n127.0.0.1,a,secret-2\nhome.example,a,secret-3,x\n"
    assert len(bad(broken)) == 3
    assert all("cret-" not in why for why in bad(broken).values())


@pytest.mark.parametrize("text", ["", "\n", "home,account\n", "mira,home.example,secret\n", "x"])
def test_what_is_no_such_file_is_said_so(text: str) -> None:
    with pytest.raises(UsageError):
        rows(text)


MIRA = {"home": "home.example", "account": "mira", "token": "secret", "sources": ["home"]}
NOOR = MIRA | {"account": "noor", "sources": "home;bookmarks"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([MIRA, NOOR]),
        json.dumps([MIRA, NOOR], indent=4),
        f"{json.dumps(MIRA)}\n{json.dumps(NOOR)}\n",
        f"[\n{json.dumps(MIRA)},\n{json.dumps(NOOR)}\n]\n",
    ],
)
def test_json_may_be_an_array_or_one_object_after_the_other(text: str) -> None:
    assert [row.account for row in good(text)] == ["mira", "noor"]
    assert bad(text) == {}


def test_a_broken_object_is_named_by_its_line_and_the_rest_is_read() -> None:
    text = "\n".join(
        ["[", json.dumps(MIRA) + ",", '{"home": "home.example", "acc', "17,", json.dumps(NOOR), "]"]
    )
    assert [row.account for row in good(text)] == ["mira", "noor"]
    assert set(bad(text)) == {3, 4}


def test_json_of_other_types_is_a_bad_row() -> None:
    wrong = [MIRA | {"token": 5}, MIRA | {"sources": {"home": 1}}, MIRA | {"home": None}]
    assert len(bad("\n".join(map(json.dumps, wrong)))) == 3


def test_a_file_is_read_row_by_row() -> None:
    class Endless(io.StringIO):
        """Fails where more is read than has to be."""

        taken = 0

        def read(self, size: int | None = -1) -> str:
            assert size is not None
            assert 0 <= size <= 65536
            self.taken += size
            return super().read(size)

    stream = Endless("[" + ",\n".join([json.dumps(MIRA)] * 20_000) + "]")
    found = read(stream)
    assert isinstance(next(found), Row)
    assert stream.taken < 200_000
    assert sum(isinstance(row, Row) for row in found) == 19_999


def test_a_line_without_end_is_one_bad_line() -> None:
    text = HEAD + "home.example,a," + "x" * 500_000 + "\nhome.example,fine,secret\n"
    assert list(bad(text)) == [2]
    assert [row.account for row in good(text)] == ["fine"]


@given(st.text(max_size=400), st.sampled_from(["", "[", "{", HEAD, HEAD + "a.example,b,c\n"]))
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_words(text: str, start: str) -> None:
    try:
        found = rows(start + text)
    except UsageError:
        return
    assert all(isinstance(row, Row | BadRow) for row in found)
