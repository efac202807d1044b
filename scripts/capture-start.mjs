// Puts what `npm start` prints here and now into README.md, between its capture marks.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = `${root}README.md`;
const { status, stdout } = spawnSync(process.execPath, ["bin/draftwright.js", "demo"], {
  cwd: root,
  encoding: "utf8",
  env: { ...process.env, NO_COLOR: "1" },
  stdio: ["ignore", "pipe", "inherit"],
});
if (status !== 0) {
  console.error("npm start failed; README.md is unchanged.");
  process.exit(1);
}
const text = stdout.replace(/[ \t]+$/gm, "").trim();
const [before, rest] = readFileSync(readme, "utf8").split("<!-- capture:start -->");
const [, after] = rest.split("<!-- capture:end -->");
const capture = `<!-- capture:start -->\n\`\`\`text\n${text}\n\`\`\`\n<!-- capture:end -->`;
writeFileSync(readme, `${before}${capture}${after}`);
