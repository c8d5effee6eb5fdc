"""Models of a series step by step, which continue it where a stationary process would fall back to its trend."""
