export interface BenchPrompt {
  readonly category: string;
  readonly prompt: string;
  readonly prediction?: string;
}

const clauses = [
  "Either party may terminate this Agreement upon thirty (30) days prior written notice to the other party. Upon termination, each party shall return the Confidential Information of the other party.",
  "The Supplier warrants that the Products shall conform to the Specifications for a period of twelve (12) months from the date of delivery. The sole remedy of the Buyer is the repair or replacement of the Products.",
  "The Licensee shall pay to the Licensor a royalty of five percent (5%) of Net Sales, within forty-five (45) days after the end of each calendar quarter.",
];

const beginnings = [
  "5. Confidentiality. The Receiving Party shall",
  "The Tenant shall pay to the Landlord, without notice or demand,",
  "Governing Law. This Agreement shall be governed by",
];

const tables = ["1, 2, 3, 4, 5, 6, 7, 8,", "January, February, March,", '{ "id": 1, "name": "a" }\n{ "id": 2, "name":'];

/** Short enough for a minute, different enough to show what each drafter is for. */
export const workloads: Readonly<Record<string, readonly BenchPrompt[]>> = {
  "contract text": beginnings.map((prompt) => ({ category: "contract text", prompt })),
  "clause revision": clauses.map((clause) => ({
    category: "clause revision",
    prompt: `Original clause:\n${clause}\n\nRevised clause (make no change):\n`,
    prediction: clause,
  })),
  "lists and data": tables.map((prompt) => ({ category: "lists and data", prompt })),
};
