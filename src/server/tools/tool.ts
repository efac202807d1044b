import { z } from "zod";

/** A tool as chat templates and OpenAI's clients write it. */
export const toolSchema = z.object({
  type: z.literal("function"),
  function: z.object({
    name: z.string().regex(/^[\w.-]{1,64}$/, "a name has 1 to 64 letters, digits, dots, dashes or underscores"),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});

export type Tool = z.infer<typeof toolSchema>;

export const toolChoiceSchema = z.union(
  [
    z.enum(["none", "auto", "required"]),
    z.object({ type: z.literal("function"), function: z.object({ name: z.string() }) }),
  ],
  { error: 'it must be "none", "auto", "required" or { type: "function", function: { name } }' },
);

export type ToolChoice = z.infer<typeof toolChoiceSchema>;
