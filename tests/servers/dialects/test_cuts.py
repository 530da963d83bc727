"""Where a capped context was cut, and which questions follow."""

from __future__ import annotations

from toottail.servers.dialects.cuts import Caps, find_gaps
from toottail.servers.entities import ApiStatus

CAPS = Caps()


def status(number: int, parent: int, replies: int = 0) -> ApiStatus:
    return ApiStatus(
        id=str(number),
        uri=f"https://a.example/users/u/statuses/{number}",
        in_reply_to_id=str(parent),
        replies_count=replies,
        visibility="public",
    )


def test_an_answer_below_the_cap_with_fitting_counts_leads_to_no_question() -> None:
    gaps = find_gaps("1", [status(2, 1, 1), status(3, 2)], CAPS)
    assert (gaps.contexts, gaps.replies, gaps.disagreeing) == ([], [], [])


def test_a_count_that_disagrees_with_a_whole_answer_is_only_noted() -> None:
    gaps = find_gaps("1", [status(2, 1, 3), status(3, 2)], CAPS)
    assert (gaps.contexts, gaps.replies, gaps.disagreeing) == ([], [], ["2"])


def test_a_status_at_the_greatest_depth_is_asked_again_where_it_has_replies() -> None:
    chain = [status(n, n - 1, 1) for n in range(2, 22)]
    gaps = find_gaps("1", chain, CAPS)
    assert (gaps.contexts, gaps.replies) == (["21"], [])


def test_neighbours_at_the_greatest_depth_share_one_question() -> None:
    chain = [status(n, n - 1, 1) for n in range(2, 20)]
    chain += [status(20, 19, 3), *(status(n, 20, 2) for n in (21, 22, 23))]
    assert find_gaps("1", chain, CAPS).contexts == ["20"]


def test_a_full_wide_answer_asks_for_the_direct_replies_of_the_asked_one() -> None:
    gaps = find_gaps("1", [status(n, 1) for n in range(2, 62)], CAPS)
    assert (gaps.contexts, gaps.replies) == ([], ["1"])


def test_a_cut_branch_is_asked_as_high_up_as_pays() -> None:
    first = [status(2, 1), *(status(n, 1) for n in range(3, 42))]
    branch = [status(50, 1, 30), *(status(n, 50) for n in range(51, 70)), status(70, 51, 4)]
    listed = first + branch[:20]
    gaps = find_gaps("1", listed, CAPS)
    assert (gaps.contexts, gaps.replies) == (["50"], ["1"])


def test_a_branch_that_filled_the_answer_is_not_repeated() -> None:
    listed = [status(2, 1, 80), *(status(n, 2) for n in range(3, 62))]
    gaps = find_gaps("1", listed, CAPS)
    assert (gaps.contexts, gaps.replies) == ([], ["1", "2"])


def test_branches_off_the_last_path_count_as_whole() -> None:
    listed = [status(2, 1, 5), *(status(n, 1) for n in range(3, 62))]
    gaps = find_gaps("1", listed, CAPS)
    assert "2" not in (*gaps.contexts, *gaps.replies)
    assert gaps.disagreeing == ["2"]


def test_a_nearly_full_answer_is_cut_where_counts_on_the_last_path_say_so() -> None:
    listed = [status(n, 1) for n in range(2, 57)] + [status(57, 1, 4)]
    gaps = find_gaps("1", listed, CAPS)
    assert (gaps.contexts, gaps.replies) == (["57"], ["1"])


def test_a_host_without_caps_is_never_asked_again() -> None:
    gaps = find_gaps("1", [status(n, 1, 1) for n in range(2, 100)], None)
    assert (gaps.contexts, gaps.replies) == ([], [])
    assert len(gaps.disagreeing) == 98


def test_a_circle_of_replies_ends() -> None:
    gaps = find_gaps("1", [status(2, 3, 9), status(3, 2, 9)], CAPS)
    assert gaps.contexts == []
