"""What a trial that is under way is likely to come to at its end."""
