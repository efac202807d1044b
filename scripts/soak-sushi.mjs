// All properties of Sushi Go Party! on many random games (100,000, or as many as the first argument says), over every legal
// menu and number of players. The suite runs a slice of the same test.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const games = process.argv[2] ?? "100000";
if (!/^[1-9]\d*$/.test(games)) throw new Error(`The number of games is ${games}. Give an integer above 0.`);
const root = fileURLToPath(new URL("..", import.meta.url));
const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, "run", "src/games/sushi-go/soak.test.ts"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, DRAFTWRIGHT_SUSHI_GAMES: games },
});
process.exitCode = status ?? 1;
