"""A small GGUF v3 reader and writer: metadata kept as (type, value), F32, F16 and Q8_0 tensors."""
import struct

import numpy as np

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
UINT32, FLOAT32, STRING, ARRAY = 4, 6, 8, 9
F32, F16, Q8_0 = 0, 1, 8
ALIGN = 32


def read(path):
    """Return (metadata {key: (type, value)}, tensors {name: float32 array [out, in]})."""
    data = open(path, "rb").read()
    at = 0

    def scalar(code):
        nonlocal at
        v = struct.unpack_from("<" + code, data, at)[0]
        at += struct.calcsize("<" + code)
        return v

    def string():
        nonlocal at
        n = scalar("Q")
        v = data[at:at + n]
        at += n
        return v

    def value(kind):
        if kind == STRING:
            return string()
        if kind == ARRAY:
            inner = scalar("I")
            return inner, [value(inner) for _ in range(scalar("Q"))]
        return scalar(SCALARS[kind])

    if data[:4] != b"GGUF":
        raise ValueError(f"{path} is not a GGUF file")
    at = 4
    if scalar("I") != 3:
        raise ValueError(f"{path} is not GGUF version 3")
    tensor_count, key_count = scalar("Q"), scalar("Q")
    metadata = {}
    for _ in range(key_count):
        key = string().decode()
        kind = scalar("I")
        metadata[key] = (kind, value(kind))
    infos = []
    for _ in range(tensor_count):
        name = string().decode()
        shape = [scalar("Q") for _ in range(scalar("I"))]
        infos.append((name, shape, scalar("I"), scalar("Q")))
    align = metadata.get("general.alignment", (UINT32, ALIGN))[1]
    start = (at + align - 1) // align * align
    tensors = {}
    for name, shape, kind, offset in infos:
        count = int(np.prod(shape))
        p = start + offset
        if kind == F32:
            flat = np.frombuffer(data, "<f4", count, p).copy()
        elif kind == F16:
            flat = np.frombuffer(data, "<f2", count, p).astype(np.float32)
        elif kind == Q8_0:
            blocks = np.frombuffer(data, np.dtype([("d", "<f2"), ("q", "i1", 32)]), count // 32, p)
            flat = (blocks["d"].astype(np.float32)[:, None] * blocks["q"].astype(np.float32)).reshape(-1)
        else:
            raise ValueError(f"tensor {name} has GGML type {kind}; only F32, F16 and Q8_0 are read here")
        tensors[name] = flat.reshape(shape[::-1])
    return metadata, tensors


def q8_0(x):
    """ggml's Q8_0: blocks of 32, d = amax / 127 kept as fp16, values rounded half away from zero."""
    x = np.ascontiguousarray(x, np.float32).reshape(-1, 32)
    d = np.abs(x).max(1) / 127.0
    inverse = np.divide(1.0, d, out=np.zeros_like(d), where=d > 0)
    scaled = x * inverse[:, None]
    q = np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int8)
    out = np.empty(len(x), np.dtype([("d", "<f2"), ("q", "i1", 32)]))
    out["d"], out["q"] = d, q
    return out.tobytes()


def write(path, metadata, tensors):
    """tensors: {name: (kind, float32 array [out, in])}."""
    out = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))

    def string(s):
        s = s.encode() if isinstance(s, str) else s
        return struct.pack("<Q", len(s)) + s

    def value(kind, v):
        if kind == STRING:
            return string(v)
        if kind == ARRAY:
            inner, items = v
            return struct.pack("<IQ", inner, len(items)) + b"".join(value(inner, i) for i in items)
        return struct.pack("<" + SCALARS[kind], v)

    for key, (kind, v) in metadata.items():
        out += string(key) + struct.pack("<I", kind) + value(kind, v)
    blobs, offset = [], 0
    for name, (kind, x) in tensors.items():
        blob = q8_0(x) if kind == Q8_0 else np.ascontiguousarray(x, "<f4" if kind == F32 else "<f2").tobytes()
        out += string(name) + struct.pack("<I", x.ndim) + struct.pack(f"<{x.ndim}Q", *x.shape[::-1]) + struct.pack("<IQ", kind, offset)
        padded = (len(blob) + ALIGN - 1) // ALIGN * ALIGN
        blobs.append(blob.ljust(padded, b"\0"))
        offset += padded
    out += b"\0" * (-len(out) % ALIGN)
    with open(path, "wb") as f:
        f.write(bytes(out) + b"".join(blobs))
