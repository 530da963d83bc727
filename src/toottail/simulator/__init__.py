"""A pretend fediverse on one loopback socket: for the demo, the tests and the benchmarks.

`worlds.build` makes a `World`, `Simulator` serves it in this loop, `SimulatorProcess` in a process
of its own; ``python -m toottail.simulator --help`` is the same from a shell.
"""

from toottail.simulator.process import SimulatorProcess

__all__ = ["SimulatorProcess"]
