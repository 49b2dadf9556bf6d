"""What a report says of a scenario, gathered from stored results: values, no pictures."""
