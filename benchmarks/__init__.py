"""What TootTail costs and how fast it is, against the pretend fediverse. See docs/benchmarks.md."""
