// A real nginx with the very file that docs/server.md shows, but for addresses and certificates.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { root } from "./command.ts";

export const hasNginx = spawnSync("nginx", ["-v"]).status === 0;
if (!hasNginx) console.log("skipped: replicas behind nginx (apt-get install nginx-light)");

/** One that ends with `close`; it needs no rights and writes to a folder of its own only. */
export async function startNginx(ports: readonly number[]) {
  const folder = mkdtempSync(join(tmpdir(), "draftwright-nginx-"));
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  writeFileSync(file, configuration(folder, port, ports));
  const child = spawn("nginx", ["-p", folder, "-c", file, "-e", join(folder, "error.log")], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const close = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  while (!(await answers(port))) {
    if (child.exitCode === null) await delay(10);
    else throw new Error(`nginx ended with ${child.exitCode}: ${readFileSync(join(folder, "error.log"), "utf8")}`);
  }
  return { url: `http://127.0.0.1:${port}`, close };
}

function configuration(folder: string, port: number, ports: readonly number[]): string {
  const page = readFileSync(`${root}/docs/server.md`, "utf8");
  const [, shown] = /^```text\n(upstream draftwright .*?)^```$/ms.exec(page) ?? [];
  let site = shown ?? "";
  const replace = (pattern: RegExp, text: string) => {
    if (!pattern.test(site)) throw new Error(`The nginx file in docs/server.md has no ${pattern}.`);
    site = site.replace(pattern, text);
  };
  for (const replica of ports) replace(/server 127\.0\.0\.1:808\d/, `server 127.0.0.1:${replica}`);
  replace(/listen 443 ssl;/, `listen 127.0.0.1:${port};`);
  replace(/ *ssl_certificate .*\n *ssl_certificate_key .*\n/, "");
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `${process.getuid?.() === 0 ? "user root;\n" : ""}daemon off;
pid ${folder}/nginx.pid;
events {}
http {
access_log off;
${places.join("\n")}
${site}}
`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1", () => {
      socket.end();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
