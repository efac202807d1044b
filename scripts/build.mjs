// Compiles src/ to dist/ with tsc and studio/ to dist/studio with Vite. `buildIfStale` is what the committed shim calls, so that the command works right after
// `npm ci`; `npm run build` always compiles. The result is swapped in whole: a run that starts meanwhile sees the old
// dist or the new one, never half of one.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const stamp = join(dist, ".built");

/** Builds when dist is missing or older than the sources. Throws an Error that says what to do when it cannot. */
export function buildIfStale() {
  const built = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  const inputs = [join(root, "package.json"), join(root, "tsconfig.json"), join(root, "tsconfig.build.json")];
  const sources = ["src", "studio"].map((folder) => newestSource(join(root, folder)));
  const newest = Math.max(...sources, ...inputs.map((file) => statSync(file).mtimeMs));
  if (built < newest) build();
}

export function build() {
  const startedAt = new Date();
  const fresh = join(root, `dist.${process.pid}.tmp`);
  rmSync(fresh, { recursive: true, force: true });
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      installed("typescript", "lib/tsc.js"),
      "-p",
      join(root, "tsconfig.build.json"),
      "--outDir",
      fresh,
      "--noEmitOnError",
    ],
    { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`The sources do not compile:\n${stdout}`);
  }
  buildStudio(join(fresh, "studio"));
  // Sources changed while compiling must look newer than this build.
  writeFileSync(join(fresh, ".built"), "");
  utimesSync(join(fresh, ".built"), startedAt, startedAt);
  const old = join(root, `dist.${process.pid}.old`);
  if (existsSync(dist)) renameSync(dist, old);
  try {
    renameSync(fresh, dist);
  } catch (error) {
    // Another process put its own build there first: that one is as good.
    if (!existsSync(stamp)) throw error;
    rmSync(fresh, { recursive: true, force: true });
  }
  rmSync(old, { recursive: true, force: true });
}

function buildStudio(folder) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [installed("vite", "bin/vite.js"), "build", join(root, "studio"), "--outDir", folder, "--logLevel", "warn"],
    { cwd: root, encoding: "utf8" },
  );
  if (status === 0) return;
  rmSync(dirname(folder), { recursive: true, force: true });
  throw new Error(`studio/ cannot be built:\n${stdout}${stderr}`);
}

function newestSource(folder) {
  let newest = statSync(folder).mtimeMs;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestSource(path));
    else if (/\.(ts|tsx|css|html|svg)$/.test(entry.name) && !entry.name.endsWith(".test.ts")) {
      newest = Math.max(newest, statSync(path).mtimeMs);
    }
  }
  return newest;
}

/** Path of a file of a package; `path` may lead to files that its package does not export. */
function installed(name, path) {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), path);
  } catch {
    throw new Error(
      `${name} is not installed, so dist/ cannot be built. Run \`npm ci\` (without --omit=dev) here first.`,
    );
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    build();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
