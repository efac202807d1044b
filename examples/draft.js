// A champion draft in progress: who is likely picked next, what it does to the chance of winning, and why. Then a network
// trained on drawn matches, beside the best that anybody could know about them.
//   node examples/draft.js
import { fileURLToPath } from "node:url";
import {
  adviseDraft,
  bayesOptimal,
  evaluateRecommender,
  loadDraftRec,
  popularity,
  splitByTime,
  synthesise,
  trainDraftRec,
} from "draftwright/games";

const checkpoint = loadDraftRec(fileURLToPath(new URL("../models/draftrec/dota2.gguf", import.meta.url)));
const { winProbability, picks } = adviseDraft(checkpoint, {
  bans: ["Pudge"],
  blue: [{ champion: "Lina" }, { history: ["Axe", "Axe", "Mars"] }],
  red: [{ champion: "Sniper" }, { champion: "Crystal Maiden" }],
});
console.log(`blue wins with ${winProbability.blue.toFixed(2)}`);
for (const { champion, share, reasons } of picks) console.log(champion, share.toFixed(2), reasons.join("; "));
checkpoint.model[Symbol.dispose]();

const drawn = synthesise({ matches: 300, champions: 40, seed: 1 });
const split = splitByTime(drawn.data);
const model = trainDraftRec(drawn.data, split, { epochs: 1, network: { hidden: 16, history: 5, blocks: 1 } });
for (const recommender of [popularity(drawn.data, split.train), model.recommender(drawn.data), bayesOptimal(drawn)]) {
  const { name, hitRate } = evaluateRecommender(recommender, drawn.data, split.test);
  console.log(name, "HR@10", hitRate[2].toFixed(2));
}
model[Symbol.dispose]();
