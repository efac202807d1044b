"""A checkpoint (or its F32 weights) to GGUF: Q8_0 matrices, F32 norms, the tokenizer of the start model unchanged."""
import argparse

import torch

import gguf_io
import model
from gguf_io import F32, FLOAT32, Q8_0, STRING, UINT32

CHAT_TEMPLATE = ("{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
                 "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")
CONTEXT = 2048
END_TOKEN = 6


def metadata(name, s, tokenizer_from, kind):
    out = {
        "general.architecture": (STRING, "llama"),
        "general.name": (STRING, f"draftwright embedded {name}"),
        "general.license": (STRING, "Apache-2.0"),
        "general.quantization_version": (UINT32, 2),
        "general.file_type": (UINT32, 7 if kind == Q8_0 else 0),
        "llama.vocab_size": (UINT32, model.VOCAB),
        "llama.context_length": (UINT32, CONTEXT),
        "llama.embedding_length": (UINT32, s.width),
        "llama.block_count": (UINT32, s.layers),
        "llama.feed_forward_length": (UINT32, s.ff),
        "llama.attention.head_count": (UINT32, s.heads),
        "llama.attention.head_count_kv": (UINT32, s.kv_heads),
        "llama.attention.key_length": (UINT32, s.head),
        "llama.attention.value_length": (UINT32, s.head),
        "llama.attention.layer_norm_rms_epsilon": (FLOAT32, model.RMS_EPS),
        "llama.rope.dimension_count": (UINT32, s.head),
        "llama.rope.freq_base": (FLOAT32, model.ROPE_BASE),
    }
    for key, value in gguf_io.read(tokenizer_from)[0].items():
        if key.startswith("tokenizer."):
            out[key] = value
    # The end of a turn is a token of its own; engines stop on it as on EOS.
    out["tokenizer.ggml.eot_token_id"] = (UINT32, END_TOKEN)
    out["tokenizer.chat_template"] = (STRING, CHAT_TEMPLATE)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--checkpoint", required=True, help="NAME.weights.pt of train.py")
    p.add_argument("--shape", choices=list(model.SHAPES), required=True)
    p.add_argument("--tokenizer-from", required=True, help="GGUF whose tokenizer.* metadata is copied")
    p.add_argument("--out", required=True)
    p.add_argument("--kind", choices=["q8_0", "f32"], default="q8_0")
    a = p.parse_args()
    s = model.SHAPES[a.shape]
    kind = {"q8_0": Q8_0, "f32": F32}[a.kind]
    weights = model.views(torch.load(a.checkpoint)["flat"].float(), s)
    tensors = {k: (F32 if v.ndim == 1 else kind, v) for k, v in model.to_gguf(weights, s).items()}
    gguf_io.write(a.out, metadata(a.shape, s, a.tokenizer_from, kind), tensors)
    # Read the file back: the largest logit difference against the float32 weights is the cost of quantising.
    again = model.from_gguf(gguf_io.read(a.out)[1], s)
    tokens = torch.randint(20, model.VOCAB, (1, 256), generator=torch.Generator().manual_seed(1))
    x, y = model.logits(weights, s, tokens), model.logits(again, s, tokens)
    print(f"{a.out}: largest logit difference {float((x - y).abs().max()):.4f}, same top token at "
          f"{float((x.argmax(-1) == y.argmax(-1)).float().mean()):.1%} of random positions")


if __name__ == "__main__":
    main()
