// A model hub with one repository, which sends its file in pieces, as slowly as a test wants to look.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Hub {
  readonly url: string;
  /** Sends what is left. */
  release(): void;
  close(): void;
}

/** Half of the file comes at once, the rest after `release`. */
export async function startHub(repo: string, file: string, content: Buffer): Promise<Hub> {
  const commit = "c".repeat(40);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    if (path === `/api/models/${repo}/revision/main`) {
      response.end(JSON.stringify({ id: repo, sha: commit, siblings: [{ rfilename: file }] }));
    } else if (path === `/${repo}/resolve/${commit}/${file}`) {
      const hash = createHash("sha256").update(content).digest("hex");
      response.writeHead(302, {
        location: `http://${request.headers.host}/storage`,
        "x-repo-commit": commit,
        "x-linked-etag": `"${hash}"`,
        "x-linked-size": content.length,
      });
      response.end();
    } else if (path === "/storage") {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, content.length >> 1));
      await released;
      response.end(content.subarray(content.length >> 1));
    } else {
      response.writeHead(404, { "x-error-code": "EntryNotFound" }).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    release,
    close() {
      release();
      server.closeAllConnections();
      server.close();
    },
  };
}
