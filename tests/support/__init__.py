"""What tests of several tiers stand on: parts that they start, and clouds that they connect to."""
