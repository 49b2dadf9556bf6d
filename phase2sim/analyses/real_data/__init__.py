"""Real data: a CSV file checked line by line, and what the analyses read of it."""
