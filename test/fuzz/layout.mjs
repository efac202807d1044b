// Where the fields of a sound GGUF file lie, so that mutations hit what a parser trusts: counts, lengths, types, sizes.

const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;

/**
 * Fields of a GGUF file: {kind, offset, size}. Kinds: version, count, length, type, rank, dimension, tensorType, offset,
 * text (a string's bytes), value (a scalar), data (an array's bytes). Long string arrays give a sample of their strings.
 */
export function fields(file) {
  const found = [];
  let at = 0;
  const add = (kind, size) => {
    found.push({ kind, offset: at, size });
    at += size;
  };
  const count = (kind) => {
    const value = Number(file.readBigUInt64LE(at));
    add(kind, 8);
    return value;
  };
  const string = () => add("text", count("length"));
  const type = () => {
    const value = file.readUInt32LE(at);
    add("type", 4);
    return value;
  };
  const array = () => {
    const element = type();
    const length = count("count");
    if (element !== STRING) return add("data", length * SIZES[element]);
    for (let i = 0; i < length; i++) {
      const before = found.length;
      string();
      if (length > 64 && i % 37 !== 0) found.length = before;
    }
  };

  add("version", 4); // the magic number
  add("version", 4);
  const tensors = count("count");
  const keys = count("count");
  for (let i = 0; i < keys; i++) {
    string();
    const id = type();
    if (id === ARRAY) array();
    else if (id === STRING) string();
    else add("value", SIZES[id]);
  }
  for (let i = 0; i < tensors; i++) {
    string();
    const rank = file.readUInt32LE(at);
    add("rank", 4);
    for (let dimension = 0; dimension < rank; dimension++) add("dimension", 8);
    add("tensorType", 4);
    add("offset", 8);
  }
  return found.filter((field) => field.size > 0);
}
