"""What `bench.outreach` measures, each in a process and a folder of its own."""
