import { describe, expect, it } from "vitest";
import { type ChatMessage, createChatTemplate } from "./chat-template.ts";

// The formats as the model makers publish them, written out here from their documentation.
const CHATML = `{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`;

const LLAMA3 = `{%- if not date_string is defined %}{% set date_string = strftime_now("%d %b %Y") %}{% endif %}
{%- set loop_messages = messages %}
{%- for message in loop_messages %}
{%- set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' %}
{%- if loop.index0 == 0 %}{%- set content = bos_token + content %}{%- endif %}
{{- content }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\nToday: ' + date_string }}{%- endif %}`;

const MISTRAL = `{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token }}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}`;

const GEMMA = `{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}`;

const PHI3 = `{% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}`;

const QWEN3 = `{%- if tools %}
    {{- '<|im_start|>system\n# Tools\n<tools>' }}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools><|im_end|>\n" }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and not(message.content.startswith('<tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == "user" or message.role == "system" %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role + '\n' }}
        {%- if message.content %}{{- message.content }}{%- endif %}
        {%- for tool_call in message.tool_calls %}
            {{- '<tool_call>\n{"name": "' + tool_call.function.name + '", "arguments": ' }}
            {{- tool_call.function.arguments | tojson }}
            {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}`;

const tokens = { bosToken: "<s>", eosToken: "</s>" };
const of = (template: string) => createChatTemplate({ template, ...tokens });
const system: ChatMessage = { role: "system", content: "Be brief." };
const user: ChatMessage = { role: "user", content: "Hi {{ bos_token }}" };
const assistant: ChatMessage = { role: "assistant", content: "Hello" };

describe("published formats", () => {
  it("ChatML, with and without a generation prompt", async () => {
    const text = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi {{ bos_token }}<|im_end|>\n";
    expect(await of(CHATML).render([system, user])).toBe(`${text}<|im_start|>assistant\n`);
    expect(await of(CHATML).render([system, user], { addGenerationPrompt: false })).toBe(text);
  });

  it("Llama 3, with the date", async () => {
    expect(await of(LLAMA3).render([user], { now: new Date(2026, 4, 7) })).toBe(
      "<s><|start_header_id|>user<|end_header_id|>\n\nHi {{ bos_token }}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nToday: 07 May 2026",
    );
  });

  it("Mistral, and its refusal of two user turns", async () => {
    expect(await of(MISTRAL).render([user, assistant, user])).toBe(
      "<s>[INST] Hi {{ bos_token }} [/INST]Hello</s>[INST] Hi {{ bos_token }} [/INST]",
    );
    await expect(of(MISTRAL).render([user, user])).rejects.toMatchObject({
      code: "bad-argument",
      message: expect.stringContaining("roles must alternate"),
    });
  });

  it("Gemma, and its refusal of the system role", async () => {
    expect(await of(GEMMA).render([user, assistant])).toBe(
      "<s><start_of_turn>user\nHi {{ bos_token }}<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n<start_of_turn>model\n",
    );
    await expect(of(GEMMA).render([system, user])).rejects.toMatchObject({
      code: "bad-argument",
      message: expect.stringContaining("System role not supported"),
    });
  });

  it("Phi-3", async () => {
    expect(await of(PHI3).render([system, user])).toBe(
      "<|system|>\nBe brief.<|end|>\n<|user|>\nHi {{ bos_token }}<|end|>\n<|assistant|>\n",
    );
    expect(await of(PHI3).render([user], { addGenerationPrompt: false })).toMatch(/<\|end\|>\n<\/s>$/);
  });

  it("Qwen 3, with tools, tool calls and thinking off", async () => {
    const call: ChatMessage = {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "1", type: "function", function: { name: "add", arguments: '{"a": 1}' } }],
    };
    const result: ChatMessage = { role: "tool", content: "2", tool_call_id: "1" };
    const tools = [{ type: "function", function: { name: "add" } }];
    const options = { tools, variables: { enable_thinking: false } };
    expect(await of(QWEN3).render([user, call, result], options)).toBe(
      '<|im_start|>system\n# Tools\n<tools>\n{"type": "function", "function": {"name": "add"}}\n</tools><|im_end|>\n' +
        "<|im_start|>user\nHi {{ bos_token }}<|im_end|>\n" +
        '<|im_start|>assistant\n<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call><|im_end|>\n' +
        "<|im_start|>user\n<tool_response>\n2\n</tool_response><|im_end|>\n" +
        "<|im_start|>assistant\n<think>\n\n</think>\n\n",
    );
  });
});

it("treats blanks and newlines around blocks as transformers does", async () => {
  const template =
    "{% for message in messages %}\n    {% if true %}\n{{ message.content }}\n    {% endif %}\n{% endfor %}";
  expect(await of(template).render([assistant])).toBe("Hello\n");
});

describe("models without a template", () => {
  it("get a named, announced fallback that their vocabulary can express", async () => {
    const chatml = createChatTemplate({ ...tokens, template: "  ", hasToken: (text) => text === "<|im_start|>" });
    expect(chatml.name).toBe("chatml");
    expect(chatml.notice).toMatch(/no chat template; using the fallback "chatml"/);
    expect(await chatml.render([system, user])).toBe(await of(CHATML).render([system, user]));
    const plain = createChatTemplate(tokens);
    expect(plain.name).toBe("plain");
    expect(await plain.render([system, user])).toBe("System: Be brief.\n\nUser: Hi {{ bos_token }}\n\nAssistant:");
    expect(of(CHATML)).toMatchObject({ name: "model" });
    expect(of(CHATML).notice).toBeUndefined();
  });
});

describe("broken and hostile templates", () => {
  const double = "{% set ns = namespace(x=[0]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}";
  const cases: [string, string, RegExp, number?][] = [
    ["syntax error", "{% for x in %}", /cannot be parsed/],
    ["unclosed block", "{% if true %}", /cannot be parsed/],
    ["unknown operation", "{{ messages | nosuchfilter }}", /failed on these messages: .*nosuchfilter/],
    ["endless recursion", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", /failed on these messages/],
    ["deep nesting", `{{ ${"(".repeat(50_000)}`, /cannot be parsed/],
    [
      "endless loop",
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
      /within 200 ms/,
      200,
    ],
    // Needs some 400 MB: fine for the process, over the worker's limit.
    ["exponential list", double.replace("60", "25"), /was stopped: .*memory/],
    [
      "exponential JSON",
      `${double.replace("ns.x + ns.x", "[ns.x, ns.x]")}{{ ns.x | tojson }}`,
      /was stopped|failed|within/,
      200,
    ],
    ["enormous range", "{{ range(1000000000000) | length }}", /failed|was stopped/],
    ["enormous output", "{% for i in range(5000) %}{{ messages[0].content }}{% endfor %}", /more than 16777216/],
    ["enormous template", "x".repeat(300_000), /300000 characters/],
  ];
  it.each(cases)("%s: a clear error, and the next render works", async (_, template, message, timeoutMs) => {
    const long: ChatMessage = { role: "user", content: "y".repeat(4000) };
    const rendered = of(template).render([long], { timeoutMs: timeoutMs ?? 20_000 });
    await expect(rendered).rejects.toMatchObject({ code: "bad-model", message: expect.stringMatching(message) });
    expect(await of(PHI3).render([user])).toContain("<|user|>");
  });

  it("cannot reach JavaScript", async () => {
    const probes = ["messages.constructor", "raise_exception.constructor", "''.__proto__", "process", "require"];
    for (const probe of probes) {
      expect(await of(`{{ ${probe} is defined }}`).render([user]), probe).toBe("false");
    }
  });

  it("serves concurrent renders each with its own answer, also around one that is stopped", async () => {
    const endless = of("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}");
    const before = Array.from({ length: 5 }, (_, i) => of(`${i}`).render([]));
    const stopped = endless.render([], { timeoutMs: 100 });
    const after = Array.from({ length: 5 }, (_, i) => of(`${i + 5}`).render([]));
    await expect(stopped).rejects.toThrow(/within 100 ms/);
    expect(await Promise.all([...before, ...after])).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });
});
