"""Field data through the real sensor, for benchmarks and for tests/realdata alike."""
