// Mutations that leave a well-formed GGUF file whose contents are wrong: the kind that a parser passes on to the
// vocabulary loader, the graph and the chat template.

const UINT32 = [0, 1, 2, 3, 7, 64, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const FLOATS = [0, -0, 1, -1, 1e-30, 1e30, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const TEMPLATES = [
  "{% for x in range(100000000) %}{% for y in range(100000000) %}a{% endfor %}{% endfor %}",
  "{% for i in [1",
  "{{ messages[999].content.x.y }}",
  "{{ 'a' * 1000000000 }}",
  `${"{% if a %}".repeat(3000)}`,
  `{{ ${"(".repeat(20000)}1 }}`,
  "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
  "{% set s = namespace(x='a') %}{% for i in range(64) %}{% set s.x = s.x + s.x %}{% endfor %}{{ s.x }}",
  "{{ constructor.constructor('process.exit(9)')() }}",
  "{{ raise_exception('no') }}",
  "\u0000\uffff{{",
  "",
];

/** One edit, or up to three, of `model`: {metadata: Map key -> {type, element?, value}, tensors: [{name, type, ne, data}]}. */
export function mutateMeaning(model, random) {
  for (let left = random.chance(0.7) ? 1 : 2 + random.below(2); left > 0; left--) random.pick(EDITS)(model, random);
}

const numbers = (metadata) => [...metadata].filter(([, value]) => value.type === "uint32" || value.type === "float32");
const tokens = (metadata) => metadata.get("tokenizer.ggml.tokens")?.value ?? [];

function setTokens(metadata, change) {
  const value = [...tokens(metadata)];
  if (value.length === 0) return;
  change(value);
  metadata.set("tokenizer.ggml.tokens", { type: "array", element: "string", value });
}

function someText(value, random) {
  const texts = ["", "\0", "a\0b", " ", "<s>", "</s>", "<0x41>", "<0xZZ>", "[EMPTY_7]", "\u2581", "\ufeff", "\u4e00"];
  const bytes = [Buffer.from([0xff]), Buffer.from([0xf5, 0x80, 0x80, 0x80]), random.bytes(1 + random.below(12))];
  return random.pick([...texts, ...bytes, random.pick(value), "x".repeat(random.below(6000))]);
}

const EDITS = [
  function hyperparameter({ metadata }, random) {
    const [key, { type, value }] = random.pick(numbers(metadata));
    const near = [value + 1, Math.max(0, value - 1), value * 2, Math.floor(value / 2)];
    const other = type === "uint32" ? random.pick([...UINT32, ...near]) : random.pick([...FLOATS, ...near]);
    metadata.set(key, { type, value: type === "uint32" ? other >>> 0 : other });
  },
  function removeKey({ metadata }, random) {
    metadata.delete(random.pick([...metadata.keys()]));
  },
  function swapType({ metadata }, random) {
    const values = [
      { type: "uint64", value: 64n },
      { type: "int32", value: -1 },
      { type: "string", value: "64" },
      { type: "bool", value: true },
      { type: "float64", value: 64 },
      { type: "array", element: "uint32", value: Uint32Array.of(1, 2, 3) },
      { type: "array", element: "string", value: ["a"] },
      { type: "array", element: "float32", value: new Float32Array() },
    ];
    metadata.set(random.pick([...metadata.keys()]), random.pick(values));
  },
  function architecture({ metadata }, random) {
    const others = ["llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "mamba", "bert", "llama4", "", "llama\0x"];
    const from = metadata.get("general.architecture")?.value;
    const to = random.pick(others);
    metadata.set("general.architecture", { type: "string", value: to });
    // Rename the keys too, half of the time: then the file is another model, nearly.
    if (random.chance(0.5)) return;
    for (const [key, value] of [...metadata]) {
      if (!key.startsWith(`${from}.`)) continue;
      metadata.delete(key);
      metadata.set(to + key.slice(from.length), value);
    }
  },
  function addKey({ metadata }, random) {
    const architecture = metadata.get("general.architecture")?.value ?? "llama";
    const keys = ["expert_count", "rope.scaling.type", "rope.scaling.factor", "rope.scaling.original_context_length"];
    keys.push("attention.sliding_window", "attention.sliding_window_pattern", "ssm.state_size", "pooling_type");
    const names = keys.map((key) => `${architecture}.${key}`);
    names.push("general.alignment", "split.count", "split.no", "tokenizer.ggml.pre", "tokenizer.ggml.suppress_tokens");
    names.push("general.name", "general.type", "tokenizer.ggml.precompiled_charsmap", "tokenizer.ggml.add_sep_token");
    const values = [
      { type: "uint32", value: random.pick(UINT32) },
      { type: "uint16", value: random.below(4) },
      { type: "float32", value: random.pick(FLOATS) },
      { type: "string", value: random.pick(["yarn", "longrope", "none", "Phi-3", "whitespace", "glm4", "kimi-k2"]) },
      { type: "bool", value: random.chance(0.5) },
    ];
    metadata.set(random.pick(names), random.pick(values));
  },
  function tokenText({ metadata }, random) {
    setTokens(metadata, (value) => {
      for (let left = 1 + random.below(4); left > 0; left--)
        value[random.below(value.length)] = someText(value, random);
    });
  },
  function tokenCount({ metadata }, random) {
    setTokens(metadata, (value) => {
      if (random.chance(0.5)) value.length = random.below(value.length);
      else value.push(...Array.from({ length: 1 + random.below(50) }, (_, i) => `more${i}`));
    });
  },
  function tokenTypes({ metadata }, random) {
    const length = random.chance(0.8) ? tokens(metadata).length : random.below(600);
    const value = new Int32Array(length).fill(1);
    const kinds = random.chance(0.2) ? [0, 1, 2, 3, 4, 5, 6, 7, -1] : [1, 2, 3, 4, 5, 6];
    const kind = random.pick(kinds);
    for (let i = 0; i < length; i++) value[i] = random.chance(0.7) ? kind : random.pick(kinds);
    metadata.set("tokenizer.ggml.token_type", { type: "array", element: "int32", value });
  },
  function scores({ metadata }, random) {
    const length = random.chance(0.8) ? tokens(metadata).length : random.below(600);
    const value = Float32Array.from({ length }, () => random.pick(FLOATS));
    metadata.set("tokenizer.ggml.scores", { type: "array", element: "float32", value });
  },
  function merges({ metadata }, random) {
    const value = [...(metadata.get("tokenizer.ggml.merges")?.value ?? ["a b"])];
    for (let left = 1 + random.below(4); left > 0; left--) {
      value[random.below(value.length)] = random.pick([
        "",
        " ",
        "a",
        " a",
        "a ",
        "a b c",
        "\0 \0",
        Buffer.from([0xff, 0x20, 0xff]),
      ]);
    }
    metadata.set("tokenizer.ggml.merges", { type: "array", element: "string", value });
  },
  function specialId({ metadata }, random) {
    const names = ["bos", "eos", "unknown", "padding", "eot", "eom", "seperator", "mask", "fim_pre", "fim_rep"];
    const value = random.pick([0, 1, 2, tokens(metadata).length - 1, tokens(metadata).length, 2 ** 31, 2 ** 32 - 1]);
    metadata.set(`tokenizer.ggml.${random.pick(names)}_token_id`, { type: "uint32", value });
  },
  function flags({ metadata }, random) {
    const name = random.pick(["add_bos_token", "add_eos_token", "add_space_prefix", "remove_extra_whitespaces"]);
    metadata.set(`tokenizer.ggml.${name}`, { type: "bool", value: random.chance(0.5) });
    if (random.chance(0.5)) metadata.delete(`tokenizer.ggml.${random.pick(["bos", "eos"])}_token_id`);
  },
  function tokenizerModel({ metadata }, random) {
    const value = random.pick([
      "llama",
      "gpt2",
      "bert",
      "t5",
      "rwkv",
      "plamo2",
      "no_vocab",
      "none",
      "test",
      "hybriddna",
      "gemma4",
    ]);
    metadata.set("tokenizer.ggml.model", { type: "string", value });
  },
  function chatTemplate({ metadata }, random) {
    metadata.set("tokenizer.chat_template", { type: "string", value: random.pick(TEMPLATES) });
  },
  function removeTensor({ tensors }, random) {
    if (tensors.length > 0) tensors.splice(random.below(tensors.length), 1);
  },
  function renameTensor({ tensors }, random) {
    if (tensors.length < 2) return;
    const tensor = random.pick(tensors);
    const name = random.pick([
      "output.weight",
      "blk.0.attn_qkv.weight",
      "rope_freqs.weight",
      "output.bias",
      "cls.output.weight",
      "x",
    ]);
    if (!tensors.some((other) => other.name === name)) tensor.name = name;
  },
  function reshapeTensor({ tensors }, random) {
    const tensor = random.pick(tensors);
    if (tensor === undefined) return;
    const [a, b = 1] = tensor.ne;
    // Same bytes, other shape; or fewer rows.
    if (random.chance(0.5)) tensor.ne = [a, 1, b];
    else if (b > 1) tensor.ne = [a, b - 1];
    else if (tensor.type.blockElements === 1) tensor.ne = [1, a];
  },
  function retypeTensor({ tensors, types }, random) {
    const tensor = random.pick(tensors);
    const type = random.pick(types);
    if (tensor !== undefined && tensor.ne[0] % type.blockElements === 0) tensor.type = type;
  },
];
