"""Learning kernels from data, and averaging predictions over those that were learned."""
