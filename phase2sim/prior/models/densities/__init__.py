"""Log densities of reported summaries, and their gradients, as PyTensor operations."""
