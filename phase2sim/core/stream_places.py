"""Where the random numbers of an endpoint at a visit are found; names decide, not their order."""

import zlib


def stream_place(endpoint: str, month: float) -> int:
    """Address of one endpoint at one visit, whatever else a trial measures."""
    return (zlib.crc32(endpoint.encode()) % 2047) << 20 | round(month * 100)
