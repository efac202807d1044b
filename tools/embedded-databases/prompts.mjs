// Beginnings that the embedded model is asked to go on with.

/** `count` prompts, spread evenly over the texts: the first words of a paragraph, or the question of a conversation. */
export function prompts(texts, count, chat = false) {
  const places = chat ? texts.map(question) : texts.flatMap(beginnings);
  const usable = places.filter((place) => place !== undefined);
  const step = Math.max(1, Math.floor(usable.length / count));
  const chosen = usable.filter((_, i) => i % step === 0).slice(0, count);
  return chosen.map((text) => (chat ? { turns: [text] } : { prompt: text }));
}

/** The first 12 to 30 words of every long paragraph. */
function beginnings(text) {
  return text
    .split(/\n\s*\n/)
    .filter((part) => part.length >= 300)
    .map((part, i) => part.trim().split(" ").slice(0, 12 + ((i * 7) % 19)).join(" "));
}

function question(text) {
  return /^User: ([^]{10,600}?)\nAssistant:/.exec(text)?.[1];
}
