// Prompts of the market's benchmark.

const clauses = [
  "Either party may terminate this Agreement upon thirty (30) days prior written notice to the other party. Upon termination, all sums due to Acme Widgets, Inc. shall become payable at once, and each party shall return the Confidential Information of the other party within thirty (30) days.",
  "The Licensee shall pay to the Licensor a royalty of five percent (5%) of Net Sales, within forty-five (45) days after the end of each calendar quarter. Late payments shall bear interest at the rate of one percent (1%) per month. The Licensor may inspect the books and records of the Licensee once in each calendar year.",
  "The Supplier warrants that the Products shall conform to the Specifications for a period of twelve (12) months from the date of delivery. The sole remedy of the Buyer for a breach of this warranty is the repair or replacement of the Products, at the option of the Supplier, free of charge.",
];

const files = [
  `function area(shape) {
  if (shape.kind === "circle") {
    return Math.PI * shape.radius * shape.radius;
  }
  if (shape.kind === "rectangle") {
    return shape.width * shape.height;
  }
  if (shape.kind === "triangle") {
    return 0.5 * shape.base * shape.height;
  }
  throw new Error("unknown shape: " + shape.kind);
}
`,
  `class Stack {
  constructor() {
    this.items = [];
  }

  push(item) {
    this.items.push(item);
  }

  pop() {
    if (this.items.length === 0) {
      throw new Error("the stack is empty");
    }
    return this.items.pop();
  }
}
`,
  `{
  "name": "invoice-service",
  "version": "2.4.1",
  "scripts": {
    "build": "tsc --project tsconfig.json",
    "test": "node --test dist",
    "start": "node dist/server.js"
  },
  "dependencies": {
    "fastify": "5.2.0",
    "pino": "9.5.0"
  }
}
`,
];

/** What the embedded model was trained to do. */
export const clauseRevisions = clauses.map(
  (clause) => `Original clause:\n${clause}\n\nRevised clause (replace "shall" with "will"):\n`,
);

/** What even small general models copy. */
export const fileEdits = files.map(
  (file) =>
    `Here is the file before the change:\n\n\`\`\`\n${file}\`\`\`\n\n` +
    "Here is the same file after the change, with one comment added at the top:\n\n```\n",
);

/** Random words, continued at a temperature at which nothing repeats by itself. */
export const unguessable = [11, 12, 13].map((seed) => {
  let state = seed;
  const words: string[] = [];
  for (let i = 0; i < 40; i++) {
    let word = "";
    for (let j = 0; j < 5; j++) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      word += String.fromCharCode(97 + ((state >> 16) % 26));
    }
    words.push(word);
  }
  return words.join(" ");
});
