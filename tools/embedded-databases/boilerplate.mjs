// The paragraphs of a corpus that say what other documents say too: only those are worth drafting from.

const words = 6;
const tableBits = 24;
/** Copies of one text that are kept, so that it counts for more than a rare one. */
const copies = 3;

/** Paragraphs with the highest share of word 6-grams known from two other documents, `characters` in all, one text a document. */
export function boilerplate(texts, characters) {
  const documents = texts.map(paragraphs);
  const table = documentFrequencies(documents);
  const scored = documents.flatMap((parts, document) => parts.map((text, at) => ({ document, at, text, score: score(text, table) })));
  scored.sort((a, b) => b.score - a.score || a.document - b.document || a.at - b.at);
  const chosen = [];
  const seen = new Map();
  let total = 0;
  for (const part of scored) {
    if (total + part.text.length > characters) break;
    const times = seen.get(part.text) ?? 0;
    if (times === copies) continue;
    seen.set(part.text, times + 1);
    total += part.text.length;
    chosen.push(part);
  }
  chosen.sort((a, b) => a.document - b.document || a.at - b.at);
  const byDocument = new Map();
  for (const { document, text } of chosen) byDocument.set(document, [...(byDocument.get(document) ?? []), text]);
  return [...byDocument.values()].map((parts) => parts.join("\n\n"));
}

/** Paragraphs of 80 to 2,000 characters; longer ones are cut after a sentence. */
function paragraphs(text) {
  return text
    .split(/\n\s*\n/)
    .flatMap((part) => (part.length <= 2000 ? [part] : (part.match(/[^]{1,1200}?[.;](?=\s)|[^]{1,1200}$/g) ?? [])))
    .map((part) => part.trim())
    // Blacked-out passages repeat themselves and mean nothing.
    .filter((part) => part.length >= 80 && !part.includes("***"));
}

/** By hash of a 6-gram: the number of documents that hold it. */
function documentFrequencies(documents) {
  const count = new Uint16Array(2 ** tableBits);
  const last = new Int32Array(2 ** tableBits).fill(-1);
  documents.forEach((parts, document) => {
    for (const hash of parts.flatMap(hashes)) {
      if (last[hash] === document) continue;
      last[hash] = document;
      count[hash]++;
    }
  });
  return count;
}

function score(text, table) {
  const all = hashes(text);
  return all.filter((hash) => table[hash] >= 3).length / Math.max(10, all.length);
}

/** FNV-1a of every run of six words. */
function hashes(text) {
  const list = text.split(/\s+/);
  const found = [];
  for (let i = 0; i + words <= list.length; i++) {
    let hash = 0x811c9dc5;
    for (const letter of list.slice(i, i + words).join(" ")) hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193);
    found.push((hash >>> 0) >>> (32 - tableBits));
  }
  return found;
}
