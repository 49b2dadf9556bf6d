"""The simulation report and the sample-size section of a protocol."""
