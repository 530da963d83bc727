"""The order in which the statuses of a conversation are read."""

from __future__ import annotations

from toottail.types.trees import Node, in_order


def test_each_status_is_there_once_below_its_parent_even_on_a_circle() -> None:
    parents = {"root": None, "a": "root", "b": "root", "a1": "a", "lost": "unknown"}
    circle = {"x": "y", "y": "x", "self": "self"}
    nodes = [Node(uri, parent, "a.example") for uri, parent in (parents | circle).items()]
    assert [(node.uri, depth) for node, depth in in_order(nodes)] == [
        ("root", 0),
        ("a", 1),
        ("a1", 2),
        ("b", 1),
        ("lost", 0),
        ("x", 0),
        ("y", 1),
        ("self", 0),
    ]
