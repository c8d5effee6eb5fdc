"""A file of arrays and JSON that is whole or not there: the safetensors format, with a checksum.

A safetensors file is the length of a header in eight bytes, the header in JSON, and the arrays one after the other. Its
reader runs no code. Under ``__metadata__`` the header may hold texts; here these are the model and a checksum of all
other bytes.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "F16": "<f2", "U32": "<u4", "I32": "<i4",
    "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}  # fmt: skip
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
BLANK = "0" * 64  # the checksum while it is being computed
MOST_HEADER = 2**32  # bytes


class DamagedFileError(ValueError):
    """A file that is not, or no longer, what was saved."""


def to_bytes(arrays, texts):
    """The contents of a file."""
    header: dict = {"__metadata__": {"sha256": BLANK} | texts}  # the first to be blank, whatever texts hold
    blocks, start = [], 0
    for name, array in arrays.items():
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        block = little.tobytes()
        header[name] = {
            "dtype": NAMES[np.dtype(little.dtype)], "shape": array.shape, "data_offsets": [start, start + len(block)],
        }  # fmt: skip
        blocks.append(block)
        start += len(block)
    encoded = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    encoded += b" " * (-len(encoded) % 8)
    data = b"".join([len(encoded).to_bytes(8, "little"), encoded, *blocks])
    return data.replace(BLANK.encode(), hashlib.sha256(data).hexdigest().encode(), 1)


def from_bytes(data, name):
    """Arrays and texts of a file's contents; `name` is for errors.

    Raises
    ------
    DamagedFileError
        If it is no safetensors file, is cut off, or some bit is another than it was.
    """
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(len(data) - 8, MOST_HEADER):
        raise DamagedFileError(f"{name} is not a whole file of a model. Save the model again, or take a copy.")
    try:
        header = json.loads(data[8 : 8 + size])
        texts = header.pop("__metadata__")
        checksum = texts.pop("sha256")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DamagedFileError(
            f"{name} is not a file of a model, or is damaged. Pass one that sklearn_kan.save wrote."
        ) from error
    blank = data.replace(str(checksum).encode(), BLANK.encode(), 1) if len(str(checksum)) == len(BLANK) else data
    if hashlib.sha256(blank).hexdigest() != checksum:
        raise DamagedFileError(f"{name} is damaged: its bytes do not match their checksum. Take another copy.")
    arrays = {}
    for key, entry in header.items():
        start, end = entry["data_offsets"]
        block = data[8 + size + start : 8 + size + end]
        little = np.frombuffer(block, DTYPES[entry["dtype"]]).reshape(entry["shape"])
        arrays[key] = little.astype(little.dtype.newbyteorder("="))  # a copy, which may be written to
    return arrays, texts


def write_whole(path, data):
    """Write a file so that its name stands for the old contents or for the new ones, whatever happens meanwhile."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def sync_folder(folder):
    """Have the new name survive a power cut, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
