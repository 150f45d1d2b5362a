"""Measurements as ratios against a yardstick in the same run. python -m benchmarks lists them; docs/BENCHMARKS.md tells."""
