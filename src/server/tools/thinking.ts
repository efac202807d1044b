/** What a wish for more or less reasoning means to chat templates: `reasoning_effort`, `enable_thinking`. */
export function effortVariables(effort: string | null | undefined): Readonly<Record<string, unknown>> {
  return effort ? { reasoning_effort: effort, enable_thinking: effort !== "none" } : {};
}
