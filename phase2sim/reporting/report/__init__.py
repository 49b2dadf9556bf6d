"""The simulation report and the protocol's paragraph: gathered, laid out, and written."""
