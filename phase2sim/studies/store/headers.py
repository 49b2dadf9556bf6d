"""Headers of the Parquet files of a store: what each file is of, in the file itself."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_KEY = b"phase2sim"


def pack(about: Mapping[str, Any]) -> str:
    """Return a table as text of a header, compressed: scenarios repeat themselves."""
    text = json.dumps(about, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def with_header(schema: pa.Schema, header: str, **more: bytes) -> pa.Schema:
    """Return a schema whose file will have a packed header, if it is not empty."""
    metadata = {_KEY: header.encode()} if header else {}
    return schema.with_metadata(metadata | {k.encode(): v for k, v in more.items()})


def header_of(schema: pa.Schema) -> dict[str, Any]:
    """Return the table in the header of a file whose bytes were checked; empty without one."""
    packed = (schema.metadata or {}).get(_KEY)
    if packed is None:
        return {}
    about: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return about


def read_header(content: bytes) -> dict[str, Any]:
    """Return the header of a Parquet file whose bytes were checked."""
    return header_of(pq.read_schema(pa.BufferReader(content)))


def trials_in(content: bytes) -> tuple[int, int]:
    """Trials ``first`` up to ``last`` that a file holds, by its statistics."""
    metadata = pq.read_metadata(pa.BufferReader(content))
    column = metadata.schema.names.index("trial")
    statistics = [
        metadata.row_group(group).column(column).statistics
        for group in range(metadata.num_row_groups)
    ]
    return min(part.min for part in statistics), max(part.max for part in statistics) + 1
