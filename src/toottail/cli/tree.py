"""Conversations drawn as trees."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from toottail.flow.verdicts import Kind
from toottail.repository.explanations import Asked
from toottail.service.explanation import Explanation
from toottail.types.trees import Node

DEEPEST = 14
"""Levels that are indented; what lies deeper says so instead, so that lines stay readable."""
_PIPED_WIDTH = 4_000

_SIGNS: dict[Kind, tuple[str, str]] = {
    "at_home": ("=", "default"),
    "delivered": ("+", "green"),
    "unattached": ("~", "yellow"),
    "not_obtained": ("!", "red"),
    "unreachable": ("x", "dim"),
    "opted_out": ("-", "dim"),
    "not_yet": ("?", "cyan"),
}
_IN_SHORT: dict[Kind, str] = {
    "at_home": "at home already",
    "delivered": "delivered",
    "unattached": "brought, but not seen in place",
    "not_obtained": "not obtained",
    "unreachable": "out of reach",
    "opted_out": "opted out",
    "not_yet": "not yet",
}


def draw(parents: Mapping[str, str | None], label: Callable[[str], Text], heading: Text) -> Tree:
    """A tree of all keys of ``parents`` (child: parent) below ``heading``, in their order.

    Keys whose parent is not among them stand at the top, those on a circle are left out.
    """
    below: dict[str | None, list[str]] = defaultdict(list)
    for key, parent in parents.items():
        below[parent if parent in parents else None].append(key)
    top = Tree(heading, guide_style="dim")
    # Threads can be deeper than Python's stack.
    open_ends: list[tuple[str, Tree, int]] = [(key, top, 0) for key in reversed(below[None])]
    while open_ends:
        key, above, depth = open_ends.pop()
        words = label(key)
        if depth > DEEPEST:
            words = Text.assemble((f"level {depth} ", "dim"), words)
        branch = above.add(words)
        ground = branch if depth < DEEPEST else above
        open_ends += [(child, ground, depth + 1) for child in reversed(below[key])]
    return top


def wide_console() -> Console:
    """Standard output: as wide as the terminal, and without broken lines elsewhere."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)


def print_explanation(found: Explanation) -> None:
    """Prints a conversation as a tree, each status with its verdict."""
    console = wide_console()
    parents = {node.uri: node.parent_uri for node in found.nodes}
    by_uri = {node.uri: node for node in found.nodes}
    console.print(draw(parents, lambda uri: _label(found, by_uri[uri]), _heading(found)))
    for line in (*_footer(found), *_trail(found)):
        console.print(line, soft_wrap=True)


def _heading(found: Explanation) -> Text:
    conversation = found.conversation
    text = Text(f"A conversation of {conversation.host}, as {found.home} has it", style="bold")
    if conversation.looked_at is None:
        text.append("; not yet looked at")
    else:
        text.append(f"; last looked at {conversation.looked_at.astimezone():%Y-%m-%d %H:%M}")
    return text


def _label(found: Explanation, node: Node) -> Text:
    verdict, details = found.verdicts[node.uri], found.details[node.uri]
    sign, style = _SIGNS[verdict.kind]
    text = Text.assemble((f"{sign} {details.url or node.uri}", style), f"  {verdict.words}")
    if verdict.kind == "delivered" and details.changed_at is not None:
        text.append(f" {details.changed_at.astimezone():%Y-%m-%d %H:%M}")
    if verdict.observed is not None:
        text.append(f": {verdict.observed}")
    if verdict.kind == "not_obtained":
        if details.inferred is not None:
            text.append(f" ({details.inferred})")
        if details.next_at is not None:
            text.append(f"; tried again after {details.next_at.astimezone():%Y-%m-%d %H:%M}")
    if node.parent_uri is None and not node.placed:
        text.append(" (a reply; what to is not known)")
    return text


def _footer(found: Explanation) -> Iterable[Text]:
    counts = Counter(verdict.kind for verdict in found.verdicts.values())
    signs = [
        f"{_SIGNS[kind][0]} {number} {_IN_SHORT[kind]}"
        for kind in _SIGNS
        if (number := counts[kind])
    ]
    yield Text(", ".join(signs))
    yield Text(f"Read at: {_hosts(found)}")
    if found.conversation.problem is not None:
        yield Text(found.conversation.problem, style="yellow")


def _trail(found: Explanation) -> Iterable[Text]:
    if found.status is None or not found.trail:
        return
    verdict, page = found.verdicts.get(found.status), found.details[found.status].url
    yield Text(f"\nOf {page or found.status}:", style="bold")
    if verdict is not None:
        yield Text(f"  {'verdict':<9} {verdict.words}")
    for fact in found.trail:
        yield Text(f"  {fact.about:<9} {fact.words}")


def _hosts(found: Explanation) -> str:
    told: Sequence[str] = [
        asked.host
        + (f" ({asked.open} questions still open)" if asked.open else "")
        + (f" (failed: {_why(asked)})" if asked.problem and not asked.answered else "")
        for asked in found.asked
    ]
    return ", ".join(told) or "no server yet"


def _why(asked: Asked) -> str:
    return (asked.problem or "").removeprefix(f"{asked.host}: ")
