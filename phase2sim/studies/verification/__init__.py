"""Whether results can be had again, and whether the installed program computes as it should."""
