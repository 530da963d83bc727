"""A Dockerfile as stages with their instructions; only what ours uses is understood."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stage:
    """``FROM base AS name`` and what follows it, as pairs of instruction and words."""

    name: str
    base: str
    does: list[tuple[str, str]] = field(default_factory=list)

    def all_of(self, instruction: str) -> list[str]:
        """The words of each of them, in order."""
        return [words for name, words in self.does if name == instruction]


def read(file: Path) -> dict[str, Stage]:
    """Its stages by name, in order."""
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    stages: list[Stage] = []
    for instruction, _, words in (line.partition(" ") for line in lines if line):
        if instruction == "FROM":
            base, _, name = words.partition(" AS ")
            stages.append(Stage(name, base))
        elif stages:
            stages[-1].does.append((instruction, words))
    return {stage.name: stage for stage in stages}


def lineage(stages: dict[str, Stage], name: str) -> list[Stage]:
    """The stages that make up the image ``name``, the base first."""
    stage = stages[name]
    before = lineage(stages, stage.base) if stage.base in stages else []
    return [*before, stage]
