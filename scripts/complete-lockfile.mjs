// Completes package-lock.json after `npm install`: `npm ci` refuses a lockfile that lacks an optional package of another
// platform, and npm leaves those out when the registry at hand does not carry them. Also drops registry addresses, so
// that everybody installs from their own registry. Run it after every change of dependencies; a test checks the result.
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));

const systems = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const aliases = { mac: "darwin", win: "win32", armv7l: "arm", arm64ec: "arm64" };
const processors = ["arm64", "x64", "arm", "ia32", "ppc64", "riscv64", "s390x"];

/** What a package for one platform declares, read off its name. */
function platformOf(name) {
  const words = name
    .split("/")
    .at(-1)
    .split("-")
    .map((word) => aliases[word] ?? word);
  const os = words.filter((word) => systems.includes(word));
  const cpu = words.filter((word) => processors.includes(word));
  const libc = words.some((word) => word.includes("musl")) ? ["musl"] : [];
  return { ...(cpu.length > 0 && { cpu }), ...(libc.length > 0 && { libc }), ...(os.length > 0 && { os }) };
}

for (const [path, entry] of Object.entries(lock.packages)) {
  delete entry.resolved;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const present = lock.packages[key] ?? lock.packages[`${path}/${key}`];
    if (present?.integrity) continue;
    lock.packages[key] = { version, ...(entry.dev && { dev: true }), optional: true, ...platformOf(name) };
  }
}
const names = Object.keys(lock.packages).sort((a, b) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries(names.map((name) => [name, lock.packages[name]]));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
