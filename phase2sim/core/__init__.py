"""What every room shares: contracts, endpoints, effect shapes, estimands, streams, kernels."""
